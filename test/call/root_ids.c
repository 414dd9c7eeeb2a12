/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Root by umvu -R is as root is: ids, groups, capabilities, over fork and
 * exec, and for each thread. What real root gets is in root_ids.txt beside
 * this file, and as root it is checked that this is so.
 *
 * transcript: no
 * timeout: 120
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include "test/lib.h"

#define BIT(cap) (1ull << (cap))
/* Those that are told of: a container's root may lack others. */
#define SHOWN (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_SETGID) | \
	BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_MKNOD))

static const char *self;

static const char *caps_text(uint64_t caps, char buf[64])
{
	snprintf(buf, 64, "%llx", (unsigned long long)(caps & SHOWN));
	return buf;
}

static void get_caps(struct __user_cap_data_struct d[2])
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };

	if (syscall(SYS_capget, &h, d))
		say("capget %s", error_name(errno));
}

static long set_caps(uint64_t effective, uint64_t permitted,
		     uint64_t inheritable)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	for (int i = 0; i < 2; i++)
		d[i] = (struct __user_cap_data_struct){
			effective >> 32 * i, permitted >> 32 * i,
			inheritable >> 32 * i };
	return syscall(SYS_capset, &h, d);
}

static uint64_t whole(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

static void say_caps(void)
{
	struct __user_cap_data_struct d[2] = { 0 };
	char e[64], p[64], i[64];

	get_caps(d);
	say("caps: %s, permitted %s, inheritable %s",
	    caps_text(whole(d[0].effective, d[1].effective), e),
	    caps_text(whole(d[0].permitted, d[1].permitted), p),
	    caps_text(whole(d[0].inheritable, d[1].inheritable), i));
}

static void say_ids(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg, list[64];
	int n = getgroups(64, list);
	char text[256] = "";

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	for (int i = 0; i < n; i++)
		sprintf(text + strlen(text), " %u", list[i]);
	say("uid %u %u %u %d gid %u %u %u %d groups%s", r, e, s, setfsuid(-1),
	    rg, eg, sg, setfsgid(-1), text);
	say("also %u %u %u %u", getuid(), geteuid(), getgid(), getegid());
}

/* What /proc tells must be what the calls tell. */
static void say_status(const char *path)
{
	static const char *const names[] = { "Uid:", "Gid:", "Groups:",
					     "CapInh:", "CapPrm:", "CapEff:",
					     "CapAmb:" };
	FILE *f = fopen(path, "re");
	char line[4096], text[64];

	while (f && fgets(line, sizeof(line), f)) {
		for (size_t i = 0; i < 7; i++) {
			if (strncmp(line, names[i], strlen(names[i])))
				continue;
			line[strcspn(line, "\n")] = '\0';
			if (i < 3)
				say("%s", line);
			else
				say("%s %s", names[i], caps_text(strtoull(line +
					strlen(names[i]), NULL, 16), text));
		}
	}
	if (f)
		fclose(f);
}

static void say_all(void)
{
	say_ids();
	say_caps();
	say_status("/proc/self/status");
}

static void run_again(void)
{
	try(execl(self, self, "tell", NULL));
}

/* --- one change each, from root, in a child --- */

static void plain_setuid(void)
{
	try(setuid(-1));
	try(setgid(-1));
	try(setgid(1001));
	try(setuid(1000));
	say_all();
	try(setuid(0));
	try(setuid(1000));
	try(setgid(0));
	try(setgid(1001));
	try(setgroups(0, NULL));
	try(setfsuid(0));
	try(setfsgid(0));
	say_ids();
	run_again();
}

static void effective(void)
{
	try(seteuid(1000));
	say_all();
	try(setegid(1001));
	try(seteuid(0));
	say_all();
	try(setegid(1001));
	try(setegid(0));
	try(setegid(1002));
	try(setreuid(1000, 1001));
	say_all();
	try(setreuid(1001, 1000));
	say_ids();
	try(setreuid(-1, 0));
	try(setreuid(0, -1));
	try(setreuid(-1, 1001));
	try(setreuid(-1, -1));
	try(setregid(5, 6));
	say_all();
	run_again();
}

static void three(void)
{
	try(setresgid(1, 2, 3));
	try(setresuid(1, 2, 3));
	say_all();
	try(setresuid(3, -1, -1));
	try(setresuid(-1, 1, -1));
	say_ids();
	try(setresuid(0, -1, -1));
	try(setresuid(-1, 0, -1));
	try(setresuid(-1, -1, 0));
	try(setresuid(-1, -1, -1));
	try(setresgid(-1, 3, 1));
	try(setresgid(4, -1, -1));
	say_ids();
	try(setuid(2));
	try(setuid(3));
	say_ids();
	run_again();
}

static void back_and_forth(void)
{
	try(setresuid(1000, 1000, 0));
	say_all();
	try(setresuid(-1, 0, -1));
	say_all();
	try(setresuid(0, 0, 1000));
	try(setreuid(0, 1000));
	say_ids();
	try(setuid(1000));
	say_all();
	try(setuid(0));
	say_all();
	run_again();
}

static void of_files(void)
{
	say("setfsuid %d", setfsuid(1000));
	say_all();
	say("setfsgid %d", setfsgid(1001));
	say("setfsuid %d", setfsuid(0));
	say_all();
	say("setfsuid %d", setfsuid(1000));
	try(setresuid(-1, 0, -1));
	say_ids();
	try(setresuid(1000, 1000, 1000));
	say("setfsuid %d", setfsuid(0));
	say("setfsuid %d", setfsuid(1001));
	say_ids();
}

static void groups(void)
{
	gid_t some[] = { 30, 10, 20, 10 }, wrong[] = { 1, -1 }, list[4];

	try(setgroups(4, some));
	say_ids();
	try(getgroups(0, NULL));
	try(getgroups(3, list));
	try(getgroups(-1, list));
	try(syscall(SYS_getgroups, 4, bad_pointer()));
	try(setgroups(2, wrong));
	try(setgroups(65537, some));
	try(syscall(SYS_setgroups, -1, some));
	try(syscall(SYS_setgroups, 3, bad_pointer()));
	say_ids();
	try(setgroups(0, NULL));
	try(setgroups(2, some));
	try(setresuid(1000, 1000, 1000));
	try(setgroups(2, some));
	try(syscall(SYS_setgroups, 3, bad_pointer()));
	say_all();
	run_again();
}

static void many_groups(void)
{
	gid_t *list = malloc(65536 * sizeof(gid_t));

	for (int i = 0; i < 65536; i++)
		list[i] = 65536 * 2 - i;
	try(setgroups(65536, list));
	memset(list, 0, 65536 * sizeof(gid_t));
	try(getgroups(65536, list));
	say("%u %u %u", list[0], list[1], list[65535]);
	try(getgroups(65535, list));
	try(setgroups(1, list));
	free(list);
}

static void bad_pointers(void)
{
	uid_t id = 7;

	try(syscall(SYS_getresuid, bad_pointer(), NULL, NULL));
	try(syscall(SYS_getresgid, &id, &id, bad_pointer()));
	say("%u", id);
	try(syscall(SYS_capget, bad_pointer(), NULL));
	try(syscall(SYS_capset, bad_pointer(), NULL));
}

static void keeping(void)
{
	try(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	try(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
	try(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	try(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	try(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	try(setresuid(1000, 1000, 1000));
	say_all();
	try(set_caps(BIT(CAP_SETUID), BIT(CAP_SETUID) | BIT(CAP_CHOWN),
		     BIT(CAP_CHOWN)));
	say_caps();
	try(setresuid(0, 0, 0));
	say_all();
	run_again();
}

static void securebits(void)
{
	try(prctl(PR_SET_SECUREBITS, 1 << 20, 0, 0, 0));
	try(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP |
		  SECBIT_NO_SETUID_FIXUP_LOCKED, 0, 0, 0));
	try(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	try(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	try(setresuid(1000, 1000, 1000));
	say_all();
	run_again();
}

static void no_root(void)
{
	try(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0));
	run_again();
}

static void keep_locked(void)
{
	try(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED, 0, 0, 0));
	try(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	try(setresuid(1000, 1000, 1000));
	try(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	say_all();
}

static void capset_rules(void)
{
	uint64_t some = BIT(CAP_SETUID) | BIT(CAP_CHOWN);

	try(set_caps(some, BIT(CAP_CHOWN), 0));
	try(set_caps(BIT(CAP_CHOWN), some, BIT(CAP_MKNOD)));
	say_all();
	try(set_caps(0, some, BIT(CAP_SETGID)));
	try(set_caps(0, some, BIT(CAP_MKNOD) | BIT(CAP_SETUID)));
	try(set_caps(some, some | BIT(CAP_SETGID), 0));
	try(setgid(5));
	try(setuid(5));
	try(set_caps(some, some, 0));
	try(setuid(5));
	say_all();
}

static void other_capset(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_1 };
	struct __user_cap_data_struct d[2] = { 0 };

	try(syscall(SYS_capget, &h, d));
	say("%x %x %x", d[0].effective & (unsigned)SHOWN, d[0].inheritable,
	    d[1].effective);
	h.pid = getpid();
	try(syscall(SYS_capset, &h, d));
	say_caps();
	h.pid = 1;
	try(syscall(SYS_capset, &h, d));
	h.version = 1;
	try(syscall(SYS_capget, &h, d));
	say("version %x", h.version);
	h.version = 1;
	try(syscall(SYS_capget, &h, NULL));
	h.version = 1;
	try(syscall(SYS_capset, &h, d));
	say("version %x", h.version);
	h.pid = -1;
	try(syscall(SYS_capget, &h, d));
	h.pid = 0;
	try(syscall(SYS_capget, &h, NULL));
	try(syscall(SYS_capset, &h, NULL));
}

static void bounding(void)
{
	try(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0));
	try(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0));
	try(prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0));
	try(prctl(PR_CAPBSET_READ, 63, 0, 0, 0));
	try(prctl(PR_CAPBSET_READ, 64, 0, 0, 0));
	try(prctl(PR_CAPBSET_DROP, 63, 0, 0, 0));
	say_caps();
	try(set_caps(0, SHOWN, BIT(CAP_CHOWN)));
	try(prctl(PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0));
	run_again();
}

static void ambient(void)
{
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	try(set_caps(SHOWN, SHOWN, BIT(CAP_CHOWN) | BIT(CAP_MKNOD)));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_MKNOD, 0, 0));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_MKNOD, 0, 0));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_MKNOD, 0, 0));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 63, 0, 0));
	try(prctl(PR_CAP_AMBIENT, 9, CAP_CHOWN, 0, 0));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 1, 0));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	try(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	try(setresuid(1000, 1000, 1000));
	say_all();
	try(set_caps(BIT(CAP_CHOWN), BIT(CAP_CHOWN), BIT(CAP_CHOWN)));
	try(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	say_all();
	run_again();
}

static void real_root_runs(void)
{
	try(setresuid(0, 1000, 1000));
	run_again();
}

static void forked_from_other(void)
{
	try(setresuid(1000, 1001, 1002));
	in_child("again", say_all);
	try(setresuid(-1, 1000, -1));
	in_child("and again", say_all);
	in_child("executed", run_again);
}

/* --- threads --- */

static pthread_barrier_t together;

static void raw_setresuid(uid_t id)
{
#ifdef SYS_setresuid32
	try(syscall(SYS_setresuid32, id, id, id));
#else
	try(syscall(SYS_setresuid, id, id, id));
#endif
}

static void *by_itself(void *arg)
{
	int status;
	pid_t pid;

	raw_setresuid((long)arg);
	say_ids();
	say_status("/proc/thread-self/status");
	pid = fork();
	if (!pid) {
		say_ids();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	pthread_barrier_wait(&together);
	pthread_barrier_wait(&together);
	say_ids();
	return NULL;
}

/* The kernel's call is of one thread, the C library's of all. */
static void threads(void)
{
	pthread_t t;

	pthread_barrier_init(&together, NULL, 2);
	pthread_create(&t, NULL, by_itself, (void *)1000);
	pthread_barrier_wait(&together);
	say_all();
	in_child("of the other thread", say_ids);
	pthread_barrier_wait(&together);
	pthread_join(t, NULL);
	say_ids();
}

static void *tell_later(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&together);
	pthread_barrier_wait(&together);
	say_ids();
	say_caps();
	pthread_barrier_wait(&together);
	return NULL;
}

static void all_threads(void)
{
	pthread_t t;

	pthread_barrier_init(&together, NULL, 2);
	pthread_create(&t, NULL, tell_later, NULL);
	pthread_barrier_wait(&together);
	try(setgid(1001));
	try(setresuid(1000, 1000, 0));
	pthread_barrier_wait(&together);
	pthread_barrier_wait(&together);
	say_all();
	pthread_join(t, NULL);
	in_child("child", say_all);
	run_again();
}

static void *executes(void *arg)
{
	(void)arg;
	raw_setresuid(1000);
	run_again();
	return NULL;
}

static void thread_executes(void)
{
	pthread_t t;

	pthread_create(&t, NULL, executes, NULL);
	pause();
}

/* --- i386: the calls with narrow ids --- */

#ifdef __i386__
static void narrow(void)
{
	unsigned short id[3] = { 0 }, list[] = { 9, 8 }, got[4] = { 0 };
	gid_t wide[] = { 70000, 5 };

	try(setgroups(2, wide));
	try(syscall(SYS_getgroups, 4, got));
	say("%u %u", got[0], got[1]);
	try(syscall(SYS_setgroups, 2, list));
	say_ids();
	try(setresgid(70000, 70001, 3));
	try(syscall(SYS_getgid));
	try(syscall(SYS_getegid));
	try(syscall(SYS_getresgid, &id[0], &id[1], &id[2]));
	say("%u %u %u", id[0], id[1], id[2]);
	try(syscall(SYS_setresgid, 0xffff, 4, 0xffff));
	try(syscall(SYS_setregid, 0xffff, 5));
	try(syscall(SYS_setgid, 0xffff));
	try(syscall(SYS_setfsgid, 6));
	say_ids();
	try(syscall(SYS_setresuid, 1, 2, 0));
	try(syscall(SYS_setreuid, 0xffff, 0));
	try(syscall(SYS_setfsuid, 2));
	say_ids();
	try(syscall(SYS_getuid));
	try(syscall(SYS_geteuid));
	try(syscall(SYS_setuid, 7));
	try(syscall(SYS_setuid, 8));
	say_ids();
}
#else
static void narrow(void)
{
}
#endif

static void transcript(void)
{
	gid_t none = 0;

	setgroups(1, &none);
	say_all();
	in_child("setuid", plain_setuid);
	in_child("effective", effective);
	in_child("three", three);
	in_child("back and forth", back_and_forth);
	in_child("of files", of_files);
	in_child("groups", groups);
	in_child("many groups", many_groups);
	in_child("bad pointers", bad_pointers);
	in_child("keeping", keeping);
	in_child("secure bits", securebits);
	in_child("no root", no_root);
	in_child("keep locked", keep_locked);
	in_child("capset", capset_rules);
	in_child("other capset", other_capset);
	in_child("bounding", bounding);
	in_child("ambient", ambient);
	in_child("real root runs", real_root_runs);
	in_child("forked", forked_from_other);
	in_child("threads", threads);
	in_child("all threads", all_threads);
	in_child("thread executes", thread_executes);
	in_child("narrow", narrow);
	say_all();
}

/* --- anything, one after the other --- */

static uint32_t dice;

static uint32_t roll(uint32_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 17;
	dice ^= dice << 5;
	return dice % n;
}

static uid_t any_id(void)
{
	static const uid_t id[] = { 0, 0, 1, 2, 1000, -1, -1 };

	return id[roll(7)];
}

static uint64_t any_caps(void)
{
	static const int cap[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_SETGID,
				   CAP_SETUID, CAP_SETPCAP, CAP_MKNOD };
	uint64_t set = 0;

	for (int i = 0; i < 6; i++)
		if (roll(4))
			set |= BIT(cap[i]);
	return set;
}

static long any_prctl(void)
{
	static const int some[] = { SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP,
		SECBIT_KEEP_CAPS, SECBIT_KEEP_CAPS_LOCKED,
		SECBIT_NO_CAP_AMBIENT_RAISE, SECBIT_NOROOT_LOCKED };
	static const int cap[] = { CAP_CHOWN, CAP_SETUID, CAP_MKNOD };

	switch (roll(6)) {
	case 0:
		return prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS) ^
			     some[roll(6)], 0, 0, 0);
	case 1:
		return prctl(PR_CAPBSET_DROP, cap[roll(3)], 0, 0, 0);
	case 2:
		return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
			     cap[roll(3)], 0, 0);
	case 3:
		return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER,
			     cap[roll(3)], 0, 0);
	default:
		return prctl(PR_SET_KEEPCAPS, roll(2), 0, 0, 0);
	}
}

static long any_groups(void)
{
	gid_t list[] = { roll(9), roll(9), roll(9) };

	return setgroups(roll(4), list);
}

static long any_capset(void)
{
	uint64_t permitted = any_caps();

	return set_caps(roll(3) ? permitted & any_caps() : any_caps(),
			permitted, roll(2) ? 0 : any_caps());
}

static long do_any(unsigned what)
{
	uid_t a = any_id(), b = any_id(), c = any_id();

	switch (what) {
	case 0: return setuid(a);
	case 1: return setgid(a);
	case 2: return setreuid(a, b);
	case 3: return setregid(a, b);
	case 4: return setresuid(a, b, c);
	case 5: return setresgid(a, b, c);
	case 6: return setfsuid(a);
	case 7: return setfsgid(a);
	case 8: return any_groups();
	case 9:
	case 10: return any_capset();
	default: return any_prctl();
	}
}

/* Now and then by an execution of itself. */
static void go_on(int steps)
{
	char state[16], left[16];

	while (steps--) {
		unsigned what = roll(16);
		long ret;

		if (what == 15) {
			snprintf(state, sizeof(state), "%u", dice);
			snprintf(left, sizeof(left), "%d", steps);
			say("executes");
			/* what then becomes of it was changed in Linux 6.16 */
			if (getuid() != geteuid() || getgid() != getegid())
				prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL,
				      0, 0, 0);
			execl(self, self, "random", state, left, NULL);
			fail_errno(self);
		}
		errno = 0;
		ret = do_any(what);
		say("%u: %ld %s, secure %d", what, ret, ret < 0 ?
		    error_name(errno) : "", prctl(PR_GET_SECUREBITS));
		say_all();
	}
}

static void sequence(void *seed)
{
	dice = *(uint32_t *)seed * 2654435761u + 1;
	go_on(40);
}

static void sequences(void)
{
	gid_t none = 0;
	char name[32];

	setgroups(1, &none);
	for (uint32_t i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "sequence %u", i);
		in_child_arg(name, sequence, &i);
	}
}

/* --- the comparison --- */

static int become_user(void)
{
	return getuid() ? 0 : setgroups(0, NULL) || setgid(64001) ||
			      setuid(64001);
}

/* Run it, with its output in a file of our own. */
static void run(const char *out, char **argv, bool as_user)
{
	pid_t pid = fork();
	int fd;

	if (!pid) {
		fd = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0666);
		dup2(fd, 1);
		if (as_user && become_user())
			_exit(111);
		execv(argv[0], argv);
		_exit(112);
	}
	if (wait_for(pid))
		fail("%s: does not run: see %s", argv[0], out);
}

static int compare(const char *expected, const char *got);

/* By real root, and in a view of a user: the same, whatever it is. */
static int compare_random(char *umvu, char *program)
{
	char *native[] = { program, "sequences", NULL };
	char *virtual[] = { umvu, "-N", "-R", "--", program, "sequences", NULL };

	run("native.random", native, false);
	run("virtual.random", virtual, true);
	return compare("native.random", "virtual.random");
}

static int compare(const char *expected, const char *got)
{
	char command[8192];

	snprintf(command, sizeof(command), "diff -u '%s' '%s' | head -n 60 | "
		 "{ ! grep . ; }", expected, got);
	fflush(stdout);
	return system(command) ? 1 : 0;
}

int main(int argc, char **argv)
{
	char expected[4096], *umvu = getenv("UMVU"), *top = getenv("TOP");
	char *native[] = { argv[0], "transcript", NULL };
	char *virtual[] = { umvu, "-N", "-R", "--", argv[0], "transcript", NULL };
	int failed = 0;

	self = argv[0];
	if (argc > 1 && !strcmp(argv[1], "tell")) {
		say_all();
		return 0;
	}
	if (argc > 3) {
		dice = strtoul(argv[2], NULL, 10);
		go_on(atoi(argv[3]));
		return 0;
	}
	if (argc > 1) {
		if (!strcmp(argv[1], "sequences"))
			sequences();
		else
			transcript();
		return 0;
	}
	snprintf(expected, sizeof(expected), "%s/test/call/root_ids%s.txt", top,
		 sizeof(long) == 4 ? ".i386" : "");
	if (!getuid()) {
		run("native", native, false);
		failed |= compare(expected, "native");
		failed |= compare_random(umvu, argv[0]);
	}
	run("virtual", virtual, true);
	failed |= compare(expected, "virtual");
	return failed;
}
