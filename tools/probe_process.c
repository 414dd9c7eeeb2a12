/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a monitor does to the memory and descriptors of its guests. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tools/probe.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* Stands at the same address in a child. */
static const char sample[] = "a guest's own words";

static int check_sample(const char *buf, ssize_t n)
{
	if (n < 0)
		return -errno;
	if (n != sizeof(sample) || memcmp(buf, sample, sizeof(sample)) != 0)
		return -EPROTO;
	return 0;
}

static int read_by_vm(pid_t child, struct probe_note *note)
{
	char buf[sizeof(sample)] = "";
	struct iovec here = { buf, sizeof(buf) };
	struct iovec there = { (void *)(uintptr_t)sample, sizeof(sample) };

	(void)note;
	return check_sample(buf, process_vm_readv(child, &here, 1, &there, 1,
						  0));
}

int probe_vm_readv(struct probe_note *note)
{
	return probe_on_child(read_by_vm, note);
}

static int open_memory(pid_t child, int flags)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)child);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_by_file(pid_t child, struct probe_note *note)
{
	char buf[sizeof(sample)] = "";
	int fd = open_memory(child, O_RDONLY);
	int err;

	(void)note;
	if (fd < 0)
		return fd;
	err = check_sample(buf, pread(fd, buf, sizeof(buf),
				      (off_t)(uintptr_t)sample));
	close(fd);
	return err;
}

int probe_proc_mem(struct probe_note *note)
{
	return probe_on_child(read_by_file, note);
}

/* A page that is only for reading, as code is; the child inherits it. */
static void *page;

static int write_page(pid_t child, struct probe_note *note)
{
	int fd = open_memory(child, O_RDWR);
	char byte = 1;
	int err = 0;

	(void)note;
	if (fd < 0)
		return fd;
	if (pwrite(fd, &byte, 1, (off_t)(uintptr_t)page) != 1)
		err = -errno;
	close(fd);
	return err;
}

int probe_write_code(struct probe_note *note)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	int err;

	page = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	err = probe_on_child(write_page, note);
	munmap(page, size);
	return err;
}

/* Stop it, look at its registers, let it go. */
static int visit(pid_t child, struct probe_note *note)
{
	char registers[1024];
	struct iovec iov = { registers, sizeof(registers) };
	int status;

	(void)note;
	if (ptrace(PTRACE_SEIZE, child, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, child, NULL, NULL) < 0)
		return -errno;
	if (waitpid(child, &status, __WALL) < 0)
		return -errno;
	if (!WIFSTOPPED(status))
		return -EPROTO;
	if (ptrace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &iov) < 0 ||
	    ptrace(PTRACE_SETREGSET, child, (void *)NT_PRSTATUS, &iov) < 0 ||
	    ptrace(PTRACE_DETACH, child, NULL, NULL) < 0)
		return -errno;
	return 0;
}

int probe_ptrace(struct probe_note *note)
{
	return probe_on_child(visit, note);
}

static int take_descriptor(pid_t child, struct probe_note *note)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	int fd, err = 0;

	(void)note;
	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, STDERR_FILENO, 0);
	if (fd < 0)
		err = -errno;
	else
		close(fd);
	close(pidfd);
	return err;
}

int probe_pidfd_getfd(struct probe_note *note)
{
	return probe_on_child(take_descriptor, note);
}
