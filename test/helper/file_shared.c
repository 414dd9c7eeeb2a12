/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_shared DIR: what several processes see of the same files in an empty
 * directory: appended, mapped, locked, executed. The same on every file
 * system that is one.
 */
#include <sys/file.h>
#include <sys/mman.h>

#include "test/lib.h"

enum { PAGE = 4096, RECORDS = 400, WRITERS = 4 };

/* The parent and its child take turns by pipes. */
struct turns {
	int to_child[2], to_parent[2];
};

static void turns_begin(struct turns *t)
{
	if (pipe(t->to_child) || pipe(t->to_parent))
		fail_errno("pipe");
}

static void turns_end(struct turns *t)
{
	for (int i = 0; i < 2; i++) {
		close(t->to_child[i]);
		close(t->to_parent[i]);
	}
}

static void go(int p[2])
{
	(void)!write(p[1], "", 1);
}

static void await(int p[2])
{
	char c;

	if (read(p[0], &c, 1) != 1)
		fail_errno("the other is gone");
}

/* --- appending --- */

static void append_records(int who)
{
	char record[24];
	int fd = open("log", O_WRONLY | O_APPEND);

	for (int i = 0; i < RECORDS; i++) {
		snprintf(record, sizeof(record), "%03d %03d\n", who, i);
		if (write(fd, record, 8) != 8)
			_exit(1);
	}
	_exit(close(fd) != 0);
}

/* Each record is there, whole, and in the order of its writer. */
static void check_records(void)
{
	int next[WRITERS] = { 0 }, wrong = 0, who, i, n = 0;
	FILE *f = fopen("log", "r");

	while (fscanf(f, "%d %d\n", &who, &i) == 2) {
		n++;
		if (who < 0 || who >= WRITERS || next[who]++ != i)
			wrong++;
	}
	fclose(f);
	say("records %d, wrong %d", n, wrong);
}

static void appenders(void)
{
	pid_t pid[WRITERS];

	make_file("log", 0644, "");
	for (int w = 0; w < WRITERS; w++) {
		pid[w] = fork();
		if (!pid[w])
			append_records(w);
	}
	for (int w = 0; w < WRITERS; w++)
		say("writer: %d", wait_for(pid[w]));
	check_records();
	say_lstat("log");
	try(unlink("log"));
}

/* --- mapping --- */

static void map_child(struct turns *t)
{
	char *p, text[8] = "";
	int fd = open("map", O_RDWR);

	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	await(t->to_child);
	say("child sees %.5s", p);
	memcpy(p + PAGE, "child", 5);
	go(t->to_parent);
	await(t->to_child);
	fd = open("map", O_RDONLY);
	say("child reads %zd", pread(fd, text, 5, 0));
	say("child reads %s", text);
	say("child sees %.5s", p);
	_exit(0);
}

static void mappings(void)
{
	struct turns t;
	char *p, text[8] = "";
	int fd = try_fd(open("map", O_RDWR | O_CREAT, 0600));
	pid_t pid;

	try(ftruncate(fd, 2 * PAGE));
	turns_begin(&t);
	pid = fork();
	if (!pid)
		map_child(&t);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memcpy(p, "first", 5);
	go(t.to_child);
	await(t.to_parent);
	say("parent sees %.5s", p + PAGE);
	try(pread(fd, text, 5, PAGE));
	say("parent reads %s", text);
	try(pwrite(fd, "SECND", 5, 0));
	try(msync(p, 2 * PAGE, MS_SYNC));
	go(t.to_child);
	say("child: %d", wait_for(pid));
	memcpy(p + 100, "late", 4);
	try(close(fd));
	try(munmap(p, 2 * PAGE));
	fd = try_fd(open("map", O_RDONLY));
	try(pread(fd, text, 4, 100));
	say_bytes("what was mapped", text, 4);
	try(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memcpy(p, "own", 3);
	try(pread(fd, text, 3, 0));
	say_bytes("not what is private", text, 3);
	try(munmap(p, PAGE));
	try(close(fd));
	try(unlink("map"));
	turns_end(&t);
}

static void touch_behind_end(void *p)
{
	_exit(((volatile char *)p)[PAGE]);
}

static void cut_mapping(void)
{
	int fd = try_fd(open("cut", O_RDWR | O_CREAT, 0600));
	char *p;

	try(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	in_child_arg("before", touch_behind_end, p);
	try(truncate("cut", PAGE));
	in_child_arg("after", touch_behind_end, p);
	try(munmap(p, 2 * PAGE));
	try(close(fd));
	try(unlink("cut"));
}

/* --- one writes, another cuts, a third has unlinked --- */

static void other_process(void)
{
	int fd = open("both", O_RDWR);
	struct stat st;

	try(pwrite(fd, "child", 5, 10));
	try(ftruncate(fd, 12));
	try(fstat(fd, &st));
	say("child: size %lld", (long long)st.st_size);
	try(unlink("both"));
	_exit(0);
}

static void changed_by_other(void)
{
	int fd = try_fd(open("both", O_RDWR | O_CREAT, 0600));
	char text[32] = "";
	struct stat st;

	try(write(fd, "parent writes more", 18));
	in_child("the other", other_process);
	try(fstat(fd, &st));
	say("size %lld", (long long)st.st_size);
	try(pread(fd, text, sizeof(text), 0));
	say("reads %s", text);
	try(lseek(fd, 0, SEEK_CUR));
	try(write(fd, "x", 1));
	try(lseek(fd, 0, SEEK_END));
	try(close(fd));
	say_lstat("both");
}

static void truncated_by_open(void)
{
	int fd = try_fd(open("trunc", O_RDWR | O_CREAT, 0600));
	int other;

	try(write(fd, "long text", 9));
	other = try_fd(open("trunc", O_WRONLY | O_TRUNC));
	try(lseek(fd, 0, SEEK_END));
	try(write(other, "new", 3));
	try(lseek(fd, 0, SEEK_END));
	try(close(other));
	try(close(fd));
	say_lstat("trunc");
	fd = try_fd(open("trunc", O_RDONLY | O_TRUNC));
	try(close(fd));
	say_lstat("trunc");
	try(unlink("trunc"));
}

/* --- locks --- */

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET,
			       .l_start = start, .l_len = len };
}

static void try_locks(void)
{
	int fd = open("lock", O_RDWR);
	struct flock r = range(F_WRLCK, 0, 10), o = range(F_WRLCK, 50, 10);

	try(flock(fd, LOCK_EX | LOCK_NB));
	try(flock(fd, LOCK_SH | LOCK_NB));
	try(fcntl(fd, F_GETLK, &r));
	say("type %d start %lld len %lld mine %d", r.l_type,
	    (long long)r.l_start, (long long)r.l_len, r.l_pid == getppid());
	r = range(F_WRLCK, 5, 1);
	try(fcntl(fd, F_SETLK, &r));
	r = range(F_WRLCK, 10, 5);
	try(fcntl(fd, F_SETLK, &r));
	try(fcntl(fd, F_OFD_SETLK, &o));
	_exit(0);
}

static void locks(void)
{
	int fd = try_fd(open("lock", O_RDWR | O_CREAT, 0600));
	struct flock r = range(F_WRLCK, 0, 10), o = range(F_RDLCK, 50, 10);

	try(flock(fd, LOCK_EX));
	try(fcntl(fd, F_SETLK, &r));
	try(fcntl(fd, F_OFD_SETLK, &o));
	in_child("while locked", try_locks);
	try(flock(fd, LOCK_SH));
	r.l_type = o.l_type = F_UNLCK;
	try(fcntl(fd, F_SETLK, &r));
	try(fcntl(fd, F_OFD_SETLK, &o));
	in_child("while shared", try_locks);
	try(close(fd));
	in_child("without", try_locks);
	try(unlink("lock"));
}

/* --- executing --- */

static void copy_program(const char *from, const char *to)
{
	char buf[65536];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			fail_errno(to);
	close(in);
	close(out);
}

static void run_echo(void *path)
{
	execl(path, "sh", "-c", "echo run by $0", "it", NULL);
	say("%s: %s", (char *)path, error_name(errno));
	_exit(1);
}

static void run_sleep(void *path)
{
	int *p = path;

	dup2(p[0], 0);
	execl("./prog", "sh", "-c", "read x", NULL);
	_exit(1);
}

static void text_busy(void)
{
	int p[2], fd;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		fail_errno("pipe");
	pid = fork();
	if (!pid) {
		close(p[1]);
		run_sleep(p);
	}
	close(p[0]);
	/* until it runs, its exe is ours */
	for (int i = 0; i < 400; i++) {
		char link[64], exe[4096] = "";

		snprintf(link, sizeof(link), "/proc/%d/exe", pid);
		(void)!readlink(link, exe, sizeof(exe) - 1);
		if (strstr(exe, "/prog"))
			break;
		usleep(10000);
	}
	fd = try_fd(open("prog", O_WRONLY));
	close(fd);
	close(p[1]);
	say("it: %d", wait_for(pid));
	fd = try_fd(open("prog", O_WRONLY));
	in_child_arg("while it is written", run_echo, "./prog");
	close(fd);
}

static void programs(void)
{
	copy_program("/bin/sh", "prog");
	in_child_arg("a program", run_echo, "./prog");
	make_file("script", 0755, "#!/bin/sh\necho script \"$0\"\n");
	in_child_arg("a script", run_echo, "./script");
	try(chmod("script", 0644));
	in_child_arg("not executable", run_echo, "./script");
	make_file("junk", 0755, "\x01\x02\x03\x04");
	in_child_arg("junk", run_echo, "./junk");
	make_file("empty", 0755, "");
	in_child_arg("empty", run_echo, "./empty");
	in_child_arg("none", run_echo, "./none");
	in_child_arg("a directory", run_echo, ".");
	text_busy();
	in_child_arg("again", run_echo, "./prog");
	try(rename("prog", "renamed"));
	in_child_arg("renamed", run_echo, "./renamed");
	try(unlink("renamed") + unlink("script") + unlink("junk") +
	    unlink("empty"));
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		fail("usage: file_shared DIR");
	umask(022);
	appenders();
	mappings();
	cut_mapping();
	changed_by_other();
	truncated_by_open();
	locks();
	programs();
	return 0;
}
