/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conform make|run|both: carries out a script of file-system calls, given on
 * stdin, below the working directory, and tells what each answered and what it
 * changed. Two file systems that behave alike give the same text.
 *
 *	case NAME [timed]	what follows happens in the new directory NAME
 *	+ CALL...		prepares: done by "make", not by "run"
 *	= CALL...		is tried: done by "run", not by "make"
 *	UID:GID[,GID...] CALL...	is tried by a child with these ids
 *	watch NAME...		is looked at after each call, as are all names
 *				that were prepared
 *
 * "both" does one after the other. Several CALLs of one line stand between
 * colons; descriptors that they open are called 0, 1... by the next ones. A
 * name may be written @N (N bytes), @@N (a path of N bytes that exists as far as
 * "./" goes), NULL, BAD or EMPTY. Names are given in turn to the plain call, to its *at
 * sister, and as absolute ones.
 *
 * After each line there is a line for each watched object that is not as it
 * was: type, mode, owner, links, size, and in a timed case which times have
 * moved. Objects are numbered, so that one that moves can be recognized;
 * nothing is told that two trees cannot have in common.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/conform/calls.h"

#define MAX_WATCHED	160
#define MAX_LINE	8192

struct watched {
	char name[64];
	struct stat st;
	bool is;
	unsigned id;
};

static bool making, running;
static char base[4096], case_dir[4200];
static int case_fd = -1;
static unsigned lines;
static bool timed;

static struct watched watched[MAX_WATCHED];
static unsigned watched_count, last_id;

/* --- who does it ------------------------------------------------------------ */

static void call_here(char *text)
{
	calls_run(text, case_fd, case_dir, lines);
}

/* UID:GID,GID...; false when this cannot be. */
static bool become(const char *who)
{
	gid_t groups[16];
	int count = 0;
	char *at;
	uid_t uid = strtoul(who, &at, 10);

	while (*at && count < 16)
		groups[count++] = strtoul(at + 1, &at, 10);
	return !setgroups(count, groups) &&
		!setresgid(groups[0], groups[0], groups[0]) &&
		!setresuid(uid, uid, uid);
}

static void call_as(const char *who, char *text)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!become(who)) {
			printf(" cannot be\n");
			fflush(stdout);
			_exit(0);
		}
		call_here(text);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		printf(" died: %x\n", status);
}

/* --- what has changed ------------------------------------------------------- */

static void watch(const char *name)
{
	struct watched *w = watched;

	if (strlen(name) >= sizeof(w->name) || *name == '@')
		return;
	for (; w < watched + watched_count; w++)
		if (!strcmp(w->name, name))
			return;
	if (watched_count == MAX_WATCHED)
		abort();
	*w = (struct watched){ .is = false };
	strcpy(w->name, name);
	watched_count++;
}

static bool same_object(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_atime(const struct stat *a, const struct stat *b)
{
	return (!calls_tell_atime(a) && !calls_tell_atime(b)) ||
		same_time(a->st_atim, b->st_atim);
}

static bool looks_same(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
		a->st_gid == b->st_gid && a->st_nlink == b->st_nlink &&
		(S_ISDIR(a->st_mode) || a->st_size == b->st_size) &&
		a->st_rdev == b->st_rdev &&
		(!timed || (same_atime(a, b) &&
			    same_time(a->st_mtim, b->st_mtim) &&
			    same_time(a->st_ctim, b->st_ctim)));
}

/* The number of an object: of the same one before, or a new one. */
static unsigned object_id(const struct watched *old, const struct watched *now,
			  unsigned at)
{
	for (unsigned i = 0; i < watched_count; i++)
		if (old[i].is && same_object(&old[i].st, &now[at].st))
			return old[i].id;
	for (unsigned i = 0; i < at; i++)
		if (now[i].is && same_object(&now[i].st, &now[at].st))
			return now[i].id;
	return ++last_id;
}

static void say_moved(const struct watched *old, const struct watched *now)
{
	if (!timed || !old->is || old->id != now->id)
		return;
	printf(" [%s%s%s]",
	       same_atime(&old->st, &now->st) ? "" : "a",
	       same_time(old->st.st_mtim, now->st.st_mtim) ? "" : "m",
	       same_time(old->st.st_ctim, now->st.st_ctim) ? "" : "c");
}

static void look(bool tell_all)
{
	struct watched now[MAX_WATCHED];

	memcpy(now, watched, sizeof(now));
	for (unsigned i = 0; i < watched_count; i++) {
		struct watched *w = &now[i], *o = &watched[i];

		w->is = !lstat(w->name, &w->st);
		if (w->is)
			w->id = object_id(watched, now, i);
		if (!tell_all && w->is == o->is &&
		    (!w->is || (w->id == o->id && looks_same(&w->st, &o->st))))
			continue;
		printf("\t%s", w->name);
		if (w->is) {
			printf(" #%u", w->id);
			calls_tell(&w->st);
			say_moved(o, w);
		} else {
			printf(" is gone");
		}
		printf("\n");
	}
	memcpy(watched, now, sizeof(now));
}

/* What happens from here on has another time. */
static void tick(void)
{
	struct timespec start, now, pause = { 0, 500000 };

	clock_gettime(CLOCK_REALTIME_COARSE, &start);
	do {
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (same_time(start, now));
}

/* --- the script ------------------------------------------------------------- */

static void list_below(const char *path, int depth)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, calls_by_name);
	char below[4096];

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		printf("\t%*s%.30s %d\n", depth, "", name, list[i]->d_type);
		snprintf(below, sizeof(below), "%s/%s", path, name);
		if (list[i]->d_type == DT_DIR && depth < 10)
			list_below(below, depth + 1);
	}
	if (n < 0)
		printf("\t%*snot listed: %s\n", depth, "",
		       strerrorname_np(errno));
}

static void end_case(void)
{
	calls_end();
	if (case_fd < 0)
		return;
	if (running) {
		look(false);
		list_below(".", 1);
	}
	close(case_fd);
	case_fd = -1;
}

static void begin_case(char *text)
{
	char *save = NULL, *name = strtok_r(text, " ", &save), *word;

	end_case();
	timed = (word = strtok_r(NULL, " ", &save)) && !strcmp(word, "timed");
	snprintf(case_dir, sizeof(case_dir), "%s/%s", base, name);
	printf("case %s\n", name);
	umask(0);
	if (making && mkdir(case_dir, 0755))
		printf("no directory: %s\n", strerrorname_np(errno));
	if (chdir(case_dir) ||
	    (case_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "conform: %s: %m\n", case_dir);
		exit(2);
	}
	watched_count = last_id = lines = 0;
	watch(".");
}

static void watch_all(char *text)
{
	char *save = NULL;

	for (char *w = strtok_r(text, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		watch(w);
}

/* The first name of each call that prepares. */
static void watch_prepared(char *text)
{
	char *save = NULL;
	int at = 0;

	for (char *w = strtok_r(text, " ", &save); w;
	     w = strtok_r(NULL, " ", &save), at++) {
		if (!strcmp(w, ":"))
			at = -1;
		else if (at == 1 && !isdigit((unsigned char)*w))
			watch(w);
	}
}

static void prepare(char *text)
{
	if (making) {
		char copy[MAX_LINE];

		strcpy(copy, text);
		printf("+ %s:", text);
		call_here(copy);
	}
	watch_prepared(text);
}

static void attempt(const char *who, char *text)
{
	bool mine = !strcmp(who, "=");

	lines++;
	if (!running || (!mine && geteuid()))
		return;
	if (lines == 1)
		look(false);
	if (timed)
		tick();
	printf("%u %s %s:", lines, who, text);
	if (mine)
		call_here(text);
	else
		call_as(who, text);
	look(false);
}

static void one_line(char *line)
{
	char *rest = strchr(line, ' ');

	if (*line == '\0' || *line == '#' || !rest)
		return;
	*rest++ = '\0';
	if (!strcmp(line, "case"))
		begin_case(rest);
	else if (!strcmp(line, "watch"))
		watch_all(rest);
	else if (!strcmp(line, "+"))
		prepare(rest);
	else
		attempt(line, rest);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	static char line[MAX_LINE];

	making = !strcmp(what, "make") || !strcmp(what, "both");
	running = !strcmp(what, "run") || !strcmp(what, "both");
	if ((!making && !running) || !getcwd(base, sizeof(base))) {
		fprintf(stderr, "usage: conform make|run|both <SCRIPT\n");
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		one_line(line);
	}
	end_case();
	return 0;
}
