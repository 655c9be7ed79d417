// SPDX-License-Identifier: GPL-2.0
/*
 * Words in files, and programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"

int file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, text + len, size - 1 - len)) > 0)
		len += got;
	text[len] = 0;
	got = got < 0 ? -errno : 0;
	close(fd);
	return got;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int file_read_n(const char *format, int number, char *text, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), format, number);
	return file_read(path, text, size);
}

int file_write_n(const char *format, int number, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), format, number);
	return file_write(path, text);
}

int drop_page_cache(void)
{
	return file_write("/proc/sys/vm/drop_caches", "1");
}

int run_program(const char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int shmem_file(size_t size)
{
	int fd = memfd_create("freepte", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}
