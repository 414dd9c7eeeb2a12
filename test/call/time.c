/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks and the names of the system, with odd arguments. */
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

#include "test/lib.h"

int main(void)
{
	struct timespec *ts = tail_alloc(sizeof(*ts));
	struct utsname *name = tail_alloc(sizeof(*name));

	try(syscall(SYS_clock_gettime, CLOCK_REALTIME, ts));
	try(syscall(SYS_clock_gettime, CLOCK_REALTIME, bad_pointer()));
	try(syscall(SYS_clock_gettime, 4711, ts));
	try(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	try(syscall(SYS_gettimeofday, bad_pointer(), NULL));
	try(uname(name));
	say("%s %s %s", name->sysname, name->nodename, name->release);
	try(syscall(SYS_uname, bad_pointer()));
	return 0;
}
