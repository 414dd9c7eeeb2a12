/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ADDFD with SEND puts a descriptor into the guest and answers at once. When
 * the guest has no room (EMFILE) the call still waits, for an errno.
 */
#include <sys/resource.h>
#include "test/platform/notify.h"

static void guest(void *arg)
{
	struct rlimit none = { 3, 3 };
	int fd = syscall(SYS_getppid);

	(void)arg;
	if (fd < 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		_exit(1);
	close(fd);
	while ((fd = dup(0)) >= 0 && fd < 10)
		;
	setrlimit(RLIMIT_NOFILE, &none);
	if (syscall(SYS_getppid) != -1 || errno != EMFILE)
		_exit(2);
	_exit(0);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	expect(probe_addfd(&p, &req, null, SECCOMP_ADDFD_FLAG_SEND,
			   O_CLOEXEC) >= 0);
	expect(probe_receive(&p, &req) == 0);
	expect(probe_addfd(&p, &req, null, SECCOMP_ADDFD_FLAG_SEND, 0) < 0);
	expect(errno == EMFILE);
	expect(ioctl(p.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &req.id) == 0);
	expect(probe_answer(&p, &req, 0, EMFILE) == 0);
	expect(wait_for(p.pid) == 0);
	return 0;
}
