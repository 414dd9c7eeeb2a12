/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roles: root
 *
 * /proc/PID/fd of a process that has changed its ids and executed nothing since
 * is root's alone: who acts as that user cannot search it, though he may trace
 * the process, but with the capability to search all directories.
 */
#include "test/lib.h"

#include <linux/capability.h>
#include <sys/fsuid.h>

static void set_effective(unsigned caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	expect(!syscall(SYS_capget, &head, data));
	data[0].effective = caps;
	data[1].effective = 0;
	expect(!syscall(SYS_capset, &head, data));
}

int main(void)
{
	char link[64];
	int ready[2], fd;
	struct stat st;
	pid_t pid;

	expect(!pipe(ready));
	pid = fork();
	if (!pid) {
		expect(!setresgid(64001, 64001, 64001));
		expect(!setresuid(64001, 64001, 64001));
		expect(write(ready[1], "", 1) == 1);
		pause();
		_exit(0);
	}
	expect(pid > 0 && read(ready[0], link, 1) == 1);
	snprintf(link, sizeof(link), "/proc/%d/fd/0", pid);
	setfsgid(64001);
	setfsuid(64001);
	set_effective(1u << CAP_SYS_PTRACE);
	expect(stat(link, &st) && errno == EACCES);
	set_effective(1u << CAP_SYS_PTRACE | 1u << CAP_DAC_READ_SEARCH);
	expect(!stat(link, &st));
	fd = open(link, O_PATH | O_CLOEXEC);
	expect(fd >= 0);
	set_effective(1u << CAP_KILL);
	expect(!kill(pid, SIGKILL));
	waitpid(pid, NULL, 0);
	return 0;
}
