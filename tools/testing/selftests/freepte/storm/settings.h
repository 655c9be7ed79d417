/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the machine is set to while it storms.
 */
#ifndef _FREEPTE_STORM_SETTINGS_H
#define _FREEPTE_STORM_SETTINGS_H

/* ksmd and khugepaged in a hurry, large folios wherever there can be some */
void settings_turn(void);
void settings_restore(void);

#endif /* _FREEPTE_STORM_SETTINGS_H */
