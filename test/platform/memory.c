/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A parent reads and writes its child's memory: by process_vm_readv, which
 * answers EFAULT as the kernel's own access would, and by /proc/PID/mem,
 * which does not respect PROT_NONE.
 */
#include <sys/uio.h>
#include "test/platform/notify.h"

static char text[16] = "before";

static void guest(void *arg)
{
	(void)arg;
	strcpy(text, "guest");
	syscall(SYS_getppid);
	_exit(strcmp(text, "parent") ? 1 : 0);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;
	char buf[16] = "", path[64];
	struct iovec mine = { buf, sizeof(buf) };
	struct iovec theirs = { text, sizeof(text) };
	struct iovec bad = { bad_pointer(), sizeof(text) };
	int mem;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	expect(process_vm_readv(p.pid, &mine, 1, &theirs, 1, 0) == 16);
	expect(!strcmp(buf, "guest"));
	expect(process_vm_readv(p.pid, &mine, 1, &bad, 1, 0) < 0);
	expect(errno == EFAULT);
	strcpy(buf, "parent");
	expect(process_vm_writev(p.pid, &mine, 1, &theirs, 1, 0) == 16);

	snprintf(path, sizeof(path), "/proc/%d/mem", p.pid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	expect(mem >= 0);
	expect(pread(mem, buf, sizeof(buf), (off_t)(uintptr_t)text) == 16);
	expect(!strcmp(buf, "parent"));
	/* It reads pages without permissions, but none that do not exist. */
	expect(pread(mem, buf, 16, 4096) < 0 && errno == EIO);
	expect(probe_answer(&p, &req, 0, 0) == 0);
	expect(wait_for(p.pid) == 0);
	return 0;
}
