/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orphans go to the nearest subreaper above them, not to init. */
#include <sys/prctl.h>
#include "test/lib.h"

static int to_orphan[2], from_orphan[2];

/* Says its pid, waits for a byte, and ends with status 7. */
static void orphan(void)
{
	pid_t self = getpid();
	char c;

	if (write(from_orphan[1], &self, sizeof(self)) != sizeof(self))
		_exit(1);
	close(to_orphan[1]);
	_exit(read(to_orphan[0], &c, 1) == 1 ? 7 : 1);
}

int main(void)
{
	int status;
	pid_t pid;

	expect(pipe(to_orphan) == 0 && pipe(from_orphan) == 0);
	expect(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	pid = fork();
	if (!pid) {
		if (fork() == 0)
			orphan();
		_exit(0);
	}
	expect(wait_for(pid) == 0);
	expect(read(from_orphan[0], &pid, sizeof(pid)) == sizeof(pid));
	expect(write(to_orphan[1], "x", 1) == 1);
	expect(waitpid(pid, &status, 0) == pid);
	expect(WEXITSTATUS(status) == 7);
	return 0;
}
