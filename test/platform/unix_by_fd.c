/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AF_UNIX addresses through /proc/self/fd/N/NAME: names longer than sun_path,
 * bound and reached relative to a directory descriptor.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include "test/lib.h"

int main(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *name = repeat('d', 200);
	int dir, a, b;

	make_dir(name, 0700);
	dir = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	expect(dir >= 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/socket",
		 dir);
	a = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	b = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	expect(bind(a, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	expect(listen(a, 1) == 0);
	expect(connect(b, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	expect(faccessat(dir, "socket", F_OK, 0) == 0);
	return 0;
}
