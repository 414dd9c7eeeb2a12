/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filter sees the address behind the instruction that enters the kernel,
 * and so can tell calls made by code at one place from the same calls made
 * elsewhere; a notification tells that address too. engine/filter.c lets
 * calls from the gate pass by it, engine/gate.c finds the instruction.
 */
#include "test/platform/notify.h"

#define PAGE	4096UL
#define RANGE	0x400000000000UL	/* one page of three */
#define RANGE_END (RANGE + PAGE)

/* Addresses behind the `syscall` of a copy of the code. */
#define FIRST	RANGE		/* it is below the range */
#define MIDDLE	(RANGE + 256)
#define BEHIND	RANGE_END	/* it is in the range */

static const unsigned char code[] = {
	0xb8, SYS_getppid, 0, 0, 0,	/* mov $SYS_getppid,%eax */
	0x0f, 0x05,			/* syscall */
	0xc3,				/* ret */
};
#define BEFORE_RET (sizeof(code) - 1)

static void map_code(void)
{
	static const unsigned long at[] = { FIRST, MIDDLE, BEHIND };
	char *map = mmap((void *)(RANGE - PAGE), 3 * PAGE,
			 PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			 -1, 0);

	expect(map == (void *)(RANGE - PAGE));
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		memcpy((void *)(at[i] - BEFORE_RET), code, sizeof(code));
	expect(mprotect(map, 3 * PAGE, PROT_READ | PROT_EXEC) == 0);
}

static long call_at(unsigned long behind)
{
	return ((int (*)(void))(behind - BEFORE_RET))();
}

/* getppid is EDOM but for what is made from within the range. */
static void filter_range(void)
{
	const unsigned ip = offsetof(struct seccomp_data, instruction_pointer);
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RANGE >> 32, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (__u32)RANGE, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (__u32)RANGE_END, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
	};
	struct sock_fprog prog = { sizeof(insn) / sizeof(*insn), insn };

	expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	expect(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

static void filtered(pid_t parent)
{
	filter_range();
	expect(syscall(SYS_getppid) == -1 && errno == EDOM);
	expect(call_at(FIRST) == parent);
	expect(call_at(MIDDLE) == parent);
	expect(call_at(BEHIND) == -EDOM);
	_exit(0);
}

static void guest(void *arg)
{
	(void)arg;
	_exit(call_at(MIDDLE) == 1 && syscall(SYS_getppid) == 2 ? 0 : 1);
}

/* The guest has libc where we have it, so we can look at its code here. */
static void notified(void)
{
	struct seccomp_notif req;
	struct probe p;
	char *insn;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	expect(req.data.instruction_pointer == MIDDLE);
	expect(probe_answer(&p, &req, 1, 0) == 0);
	expect(probe_receive(&p, &req) == 0);
	insn = (char *)req.data.instruction_pointer - 2;
	expect(!memcmp(insn, "\x0f\x05", 2));
	expect(probe_answer(&p, &req, 2, 0) == 0);
	expect(wait_for(p.pid) == 0);
}

int main(void)
{
	pid_t parent = getpid(), pid;

	map_code();
	pid = fork();
	if (!pid)
		filtered(parent);
	expect(wait_for(pid) == 0);
	notified();
	return 0;
}
