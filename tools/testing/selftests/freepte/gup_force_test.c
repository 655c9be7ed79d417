// SPDX-License-Identifier: GPL-2.0
/*
 * Access that disregards protection (FOLL_FORCE), as /proc/PID/mem has it for debuggers, and the
 * page of the kernel that every process has at a fixed address.
 *
 * Needs proc_mem.force_override=always on the command line where the kernel lets tracers only do
 * it, and vsyscall=emulate for the page of the kernel to be readable.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "harness.h"

#include "tables.h"

#define PAGES		64
#define SIZE		(PAGES * PAGE)
#define VSYSCALL	0xffffffffff600000UL

static const char old[] = "as it was", new[] = "forced";

FIXTURE(force)
{
	int mem;
	int file;
};

FIXTURE_SETUP(force)
{
	char buffer[PAGE] = {};
	int i;

	self->mem = open("/proc/self/mem", O_RDWR);
	ASSERT_GE(self->mem, 0);
	self->file = memfd_create("force", 0);
	ASSERT_GE(self->file, 0);
	memcpy(buffer, old, sizeof(old));
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(PAGE, pwrite(self->file, buffer, PAGE, i * PAGE));
}

FIXTURE_TEARDOWN(force)
{
	close(self->mem);
	close(self->file);
}

static ssize_t forced_write(FIXTURE_DATA(force) * self, char *to)
{
	return pwrite(self->mem, new, sizeof(new), (off_t)to);
}

/* Whether somebody who is not a tracer may do it at all. */
static bool may_force(FIXTURE_DATA(force) * self)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool may = page != MAP_FAILED && forced_write(self, page) == sizeof(new);

	munmap(page, PAGE);
	return may;
}

static const char tracers_only[] = "tracers only (proc_mem.force_override)";

/* Whether the process itself still may not write there: the kernel would, on its behalf. */
static bool is_read_only(FIXTURE_DATA(force) * self, char *page)
{
	return pread(self->file, page, 1, 0) < 0 && errno == EFAULT;
}

/* What is private is copied; the file, and the protection, stay. */
TEST_F(force, private_file)
{
	char *area = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, self->file, 0);
	char buffer[sizeof(old)];
	int i;

	if (!may_force(self))
		SKIP(return, "%s", tracers_only);
	ASSERT_NE(MAP_FAILED, area);
	for (i = 0; i < PAGES; i++) {
		char *page = area + i * PAGE;

		/* Half of them are mapped already. */
		if (i % 2)
			ASSERT_STREQ(old, page);
		ASSERT_EQ(sizeof(new), forced_write(self, page));
		EXPECT_STREQ(new, page);
		ASSERT_EQ(sizeof(buffer), pread(self->file, buffer, sizeof(buffer), i * PAGE));
		EXPECT_STREQ(old, buffer);
		EXPECT_TRUE(is_read_only(self, page));
	}
}

/* Neither the zero page nor a page that a child shares is written to. */
TEST_F(force, private_memory)
{
	char *area = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i, status, pipes[2];
	char go;
	pid_t child;

	if (!may_force(self))
		SKIP(return, "%s", tracers_only);
	ASSERT_NE(MAP_FAILED, area);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(0, area[i * PAGE]);
	ASSERT_EQ(sizeof(new), forced_write(self, area));
	EXPECT_STREQ(new, area);
	for (i = 1; i < PAGES; i++)
		ASSERT_EQ(0, area[i * PAGE]);

	ASSERT_EQ(0, pipe(pipes));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		close(pipes[1]);
		if (read(pipes[0], &go, 1) < 0)
			_exit(2);
		_exit(strcmp(area, new) ? 1 : 0);
	}
	ASSERT_EQ(sizeof(old), pwrite(self->mem, old, sizeof(old), (off_t)area));
	EXPECT_STREQ(old, area);
	close(pipes[0]);
	close(pipes[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* What others share is no debugger's to change. */
TEST_F(force, shared)
{
	char *area = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->file, 0);

	if (!may_force(self))
		SKIP(return, "%s", tracers_only);
	ASSERT_NE(MAP_FAILED, area);
	EXPECT_EQ(-1, forced_write(self, area));
	EXPECT_EQ(EIO, errno);
	EXPECT_STREQ(old, area);
}

/* What may not be read can be read. */
TEST_F(force, no_access)
{
	char *area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->file, 0);
	char buffer[sizeof(old)];
	int i;

	if (!may_force(self))
		SKIP(return, "%s", tracers_only);
	ASSERT_NE(MAP_FAILED, area);
	area[0] = 'A';
	ASSERT_EQ(0, mprotect(area, SIZE, PROT_NONE));
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(sizeof(buffer),
			  pread(self->mem, buffer, sizeof(buffer), (off_t)(area + i * PAGE)));
		EXPECT_EQ(i ? 'a' : 'A', buffer[0]);
		EXPECT_STREQ(old + 1, buffer + 1);
	}
}

/* Who does not force is stopped by the protection. */
TEST_F(force, unforced)
{
	char *area = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, self->file, 0);
	char text[] = "unforced";
	struct iovec ours = { text, sizeof(text) }, theirs = { area, sizeof(text) };

	ASSERT_NE(MAP_FAILED, area);
	EXPECT_EQ(-1, process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_STREQ(old, area);
	ASSERT_EQ(0, mprotect(area, SIZE, PROT_NONE));
	EXPECT_EQ(-1, process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0));
	EXPECT_EQ(EFAULT, errno);
}

/* Whether the process may read the kernel's page itself. */
static bool vsyscall_is_readable(void)
{
	char line[256];
	bool readable = false;
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vsyscall]") && strstr(line, " r-xp "))
			readable = true;
	if (maps)
		fclose(maps);
	return readable;
}

/* The kernel's page is taken like any other, and never for writing. */
TEST_F(force, vsyscall)
{
	/* mov $__NR_gettimeofday, %rax; syscall; ret */
	static const unsigned char code[] = { 0x48, 0xc7, 0xc0, 96, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	char page[PAGE] = {};
	struct iovec ours = { page, PAGE }, theirs = { (void *)VSYSCALL, PAGE };

	if (!vsyscall_is_readable())
		SKIP(return, "not readable (vsyscall=emulate)");
	ASSERT_EQ(PAGE, process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0));
	EXPECT_EQ(0, memcmp(page, code, sizeof(code)));
	/* access_remote_vm() wants a VMA. pread() takes no offset that is negative. */
	lseek(self->mem, VSYSCALL, SEEK_SET);
	EXPECT_EQ(-1, read(self->mem, page, PAGE));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	lseek(self->mem, VSYSCALL, SEEK_SET);
	EXPECT_EQ(-1, write(self->mem, page, 1));
	EXPECT_EQ(EIO, errno);
}

TEST_HARNESS_MAIN
