/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In which order a content is copied: blocks are shared, else the kernel
 * copies, else we do; and what ends it. A filter has the calls come to a signal
 * handler, which says what they answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "store/copy.h"
#include "test/unit/check.h"

#ifndef __x86_64__
int main(void)
{
	printf("the handler is for x86-64\n");
	return 77;
}
#else

enum { SIZE = 300000 };

static int clone_answers, range_answers;	/* errno, 0: done */
static char log_of[64];				/* "c" clone, "r" range */

static void on_call(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	bool clone = info->si_syscall == SYS_ioctl;
	int answer = clone ? clone_answers : range_answers;
	size_t n = strlen(log_of);

	(void)sig;
	if (n + 1 < sizeof(log_of))
		log_of[n] = clone ? 'c' : 'r';
	u->uc_mcontext.gregs[REG_RAX] = -answer;
}

static void intercept(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_copy_file_range, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FICLONE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };
	struct sigaction act = { .sa_sigaction = on_call,
				 .sa_flags = SA_SIGINFO };

	CHECK(!sigaction(SIGSYS, &act, NULL));
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
}

static int empty_file(void)
{
	char name[] = "copy-XXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	return fd;
}

static bool same(int a, int b)
{
	static char x[SIZE + 1], y[SIZE + 1];

	return pread(a, x, sizeof(x), 0) == SIZE &&
	       pread(b, y, sizeof(y), 0) == SIZE && !memcmp(x, y, SIZE);
}

/* Copy with these answers. what: the calls that are made, in order */
static void copying(int from, int clone, int range, int wanted,
		    const char *what)
{
	static const struct copy_plan plan;
	int to = empty_file(), err;
	struct stat st;

	clone_answers = clone;
	range_answers = range;
	memset(log_of, 0, sizeof(log_of));
	err = copy_content(from, to, &plan);
	if (err != wanted || strcmp(log_of, what))
		printf("%s, %s: %d, \"%s\" and not %d, \"%s\"\n",
		       strerror(clone), strerror(range), err, log_of, wanted,
		       what);
	CHECK(err == wanted);
	CHECK(!strcmp(log_of, what));
	/* what is shared is not copied as well */
	if (!clone)
		CHECK(!fstat(to, &st) && !st.st_size);
	else if (!wanted)
		CHECK(same(from, to));
	close(to);
}

int main(void)
{
	static const int refuses[] = { EOPNOTSUPP, EXDEV, EINVAL, ENOTTY,
		EPERM, ETXTBSY, ENOSYS, EBADF };
	static const int none[] = { EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EPERM,
		ETXTBSY };
	static const int ends[] = { ENOSPC, EDQUOT, EIO, EFBIG };
	int from = empty_file();
	char *text = malloc(SIZE);

	for (int i = 0; text && i < SIZE; i++)
		text[i] = (char)(i * 7 + i / 251);
	CHECK(text && write(from, text, SIZE) == SIZE);
	intercept();
	copying(from, 0, ENOSYS, 0, "c");
	for (size_t i = 0; i < sizeof(refuses) / sizeof(*refuses); i++)
		copying(from, refuses[i], ENOSYS, 0, "cr");
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		copying(from, EOPNOTSUPP, none[i], 0, "cr");
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		copying(from, EOPNOTSUPP, ends[i], -ends[i], "cr");
	/* it says that there is nothing: then it is read, and asked again */
	copying(from, EOPNOTSUPP, 0, 0, "cr");
	free(text);
	close(from);
	return failures != 0;
}
#endif
