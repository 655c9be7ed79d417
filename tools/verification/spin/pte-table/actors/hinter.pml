/* SPDX-License-Identifier: GPL-2.0 */
/* Some thread leaves a hint, and that is all of it that matters. */
proctype hinter(byte me; byte b)
{
	push_hints(1 << b);
	thread_done()
}
