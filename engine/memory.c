/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory.
 *
 * Two ways in. process_vm_readv/writev take one system call and respect the
 * protection of the pages, like the kernel's own copy_from_user. Where they
 * are denied (some containers) or absent, /proc/TID/mem takes three. That
 * file *forces*: it would write to read-only private pages, so before each
 * write through it the mappings are read and checked. It also reads pages
 * that the guest itself may not read (PROT_NONE); such a guest gets data
 * where the kernel would have said EFAULT.
 *
 * Addresses come from the guest and may be anything; only the kernel judges
 * them. A transfer that stops short has met a bad page, and is -EFAULT as a
 * whole: what was already written stays written, as in the kernel.
 *
 * Before a write the call is checked to be waiting still: after a kill its
 * thread id may already belong to somebody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/proc.h"

#define PAGE		4096u
/* Most paths end within this; a longer first read would only copy more. */
#define FIRST_READ	256u

/* Set by guest_memory_probe(), before there are threads. */
static bool by_file;

static int fault(int err)
{
	switch (err) {
	case ESRCH:
	case ENOENT:
		return -ESRCH;
	case EPERM:
	case EACCES:
	case ENOSYS:
		return -EPERM;
	case ENOMEM:
		return -ENOMEM;
	default:
		return -EFAULT;
	}
}

static ssize_t vm_step(pid_t tid, uint64_t addr, void *buf, size_t len,
		       bool write)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };

	return write ? process_vm_writev(tid, &local, 1, &remote, 1, 0) :
		       process_vm_readv(tid, &local, 1, &remote, 1, 0);
}

static int vm_copy(pid_t tid, uint64_t addr, void *buf, size_t len, bool write)
{
	while (len) {
		ssize_t n = vm_step(tid, addr, buf, len, write);

		if (n < 0)
			return fault(errno);
		if (!n)
			return -EFAULT;
		addr += n;
		buf = (char *)buf + n;
		len -= n;
	}
	return 0;
}

static ssize_t file_step(int fd, uint64_t addr, void *buf, size_t len,
			 bool write)
{
	return write ? pwrite(fd, buf, len, addr) : pread(fd, buf, len, addr);
}

static int file_copy(pid_t tid, uint64_t addr, void *buf, size_t len,
		     bool write)
{
	char path[32];
	int fd, r = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return fault(errno);
	while (len && !r) {
		ssize_t n = file_step(fd, addr, buf, len, write);

		if (n > 0) {
			addr += n;
			buf = (char *)buf + n;
			len -= n;
		} else if (!n) {
			r = -ESRCH;	/* its memory is gone: it has died */
		} else if (errno != EINTR) {
			r = fault(errno);
		}
	}
	close(fd);
	return r;
}

static int range_writable(pid_t tid, uint64_t addr, size_t len)
{
	uint64_t end = addr + len;
	struct proc_map map;
	int r;

	while (addr < end) {
		r = proc_map(tid, addr, &map);
		if (r)
			return r;
		if (!map.writable)
			return -EFAULT;
		addr = map.end;
	}
	return 0;
}

static bool wraps(uint64_t addr, size_t len)
{
	return addr + len < addr || addr + len > INT64_MAX;
}

int guest_read(const struct call *call, uint64_t addr, void *buf, size_t len)
{
	if (!len)
		return 0;
	if (wraps(addr, len))
		return -EFAULT;
	if (by_file)
		return file_copy(call->tid, addr, buf, len, false);
	return vm_copy(call->tid, addr, buf, len, false);
}

int guest_write(const struct call *call, uint64_t addr, const void *buf,
		size_t len)
{
	int r;

	if (!len)
		return 0;
	if (wraps(addr, len))
		return -EFAULT;
	if (call->engine && !engine_call_alive(call))
		return -ESRCH;
	if (!by_file)
		return vm_copy(call->tid, addr, (void *)buf, len, true);
	r = range_writable(call->tid, addr, len);
	if (r)
		return r;
	return file_copy(call->tid, addr, (void *)buf, len, true);
}

/*
 * No step crosses a page: a string may end just before a bad one, and must
 * not fail for what lies behind its end.
 */
ssize_t guest_read_string(const struct call *call, uint64_t addr,
			  char *buf, size_t size)
{
	size_t have = 0, most = FIRST_READ;

	while (have < size) {
		size_t step = PAGE - ((addr + have) & (PAGE - 1));
		const char *nul;
		int r;

		if (step > most)
			step = most;
		if (step > size - have)
			step = size - have;
		r = guest_read(call, addr + have, buf + have, step);
		if (r)
			return r;
		nul = memchr(buf + have, 0, step);
		if (nul)
			return nul - buf;
		have += step;
		most = PAGE;
	}
	return -ENAMETOOLONG;
}

/*
 * Tried on a variable of ours, which stands at the same address in a child
 * that has not executed anything yet. Another process has something else
 * there, or nothing (EFAULT): even so we were let in, which is the question.
 */
int guest_memory_probe(pid_t pid)
{
	static const char mark[] = "mark";
	const struct call call = { .tid = pid };
	char got[sizeof(mark)];
	int r;

	by_file = false;
	r = guest_read(&call, (uintptr_t)mark, got, sizeof(got));
	if (!r || r == -EFAULT || r == -ESRCH)
		return r == -ESRCH ? r : 0;
	by_file = true;
	r = guest_read(&call, (uintptr_t)mark, got, sizeof(got));
	return r == -EFAULT ? 0 : r;
}
