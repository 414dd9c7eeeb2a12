/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw setfsuid and setfsgid calls change one thread only.
 * roles: root
 */
#include <pthread.h>
#include <sys/fsuid.h>
#include "test/lib.h"

static void *as_nobody(void *arg)
{
	syscall(SYS_setfsgid, 65534);
	syscall(SYS_setfsuid, 65534);
	expect(open("secret", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	return arg;
}

int main(void)
{
	pthread_t t;

	make_file("secret", 0600, "");
	pthread_create(&t, NULL, as_nobody, NULL);
	pthread_join(t, NULL);
	expect(open("secret", O_RDONLY | O_CLOEXEC) >= 0);
	return 0;
}
