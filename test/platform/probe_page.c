/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rt_sigprocmask() reads the set before it finds that the first argument means
 * nothing: EINVAL tells that 8 bytes can be read, EFAULT that they cannot.
 * Nothing else happens.
 */
#include <signal.h>
#include <sys/mman.h>
#include "test/lib.h"

static int probe(const void *p)
{
	return syscall(SYS_rt_sigprocmask, -1, p, NULL, 8) ? errno : 0;
}

int main(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigset_t before, after;
	FILE *f = tmpfile();
	char *file;

	expect(page != MAP_FAILED && f);
	memset(page, 0xff, 8192);
	expect(!sigprocmask(SIG_SETMASK, NULL, &before));
	expect(probe(page) == EINVAL && probe(page + 4088) == EINVAL);
	expect(probe(main) == EINVAL || probe(main) == EFAULT);
	expect(!sigprocmask(SIG_SETMASK, NULL, &after));
	expect(!memcmp(&before, &after, 8));
	expect(!mprotect(page + 4096, 4096, PROT_NONE));
	expect(probe(page + 4088) == EINVAL && probe(page + 4096) == EFAULT);
	expect(!munmap(page, 4096) && probe(page) == EFAULT);
	expect(probe(bad_pointer()) == EFAULT && probe((void *)-8) == EFAULT);
	expect(probe(NULL) == 0);
	/* what is beyond the end of a file is mapped, and cannot be read */
	file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(f), 0);
	expect(file != MAP_FAILED && probe(file) == EFAULT);
	expect(!ftruncate(fileno(f), 1) && probe(file) == EINVAL);
	return 0;
}
