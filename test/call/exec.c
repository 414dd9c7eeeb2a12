/* SPDX-License-Identifier: GPL-2.0-or-later */
/* execve, execveat, posix_spawn: programs, scripts, and what they are told. */
#include <pthread.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "test/lib.h"

static char self[4096];

/* The last component, after a check that the rest is the test's own. */
static const char *short_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What a started program sees of its start. */
static int show(int argc, char **argv)
{
	char text[4096];
	ssize_t n;

	for (int i = 0; i < argc; i++)
		say("  argv[%d] %.80s", i, short_name(argv[i]));
	prctl(PR_GET_NAME, text);
	say("  comm %s", text);
	say("  AT_EXECFN %s", short_name((char *)getauxval(AT_EXECFN)));
	say("  AT_SECURE %lu", getauxval(AT_SECURE));
	n = readlink("/proc/self/exe", text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	say("  exe %s", short_name(text));
	say("  VAR %s", getenv("VAR") ? getenv("VAR") : "unset");
	for (int fd = 0; fd < 20; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			say("  descriptor %d", fd);
	return 0;
}

struct start {
	const char *path;
	char **argv, **envp;
	int dir, flags;
	bool at;
};

static void start_it(void *arg)
{
	struct start *s = arg;
	long ret;

	errno = 0;
	if (s->at)
		ret = syscall(SYS_execveat, s->dir, s->path, s->argv, s->envp,
			      s->flags);
	else
		ret = syscall(SYS_execve, s->path, s->argv, s->envp);
	result("  exec", ret);
	_exit(99);
}

static char *default_argv[] = { "name", "show", "second", NULL };
static char *default_envp[] = { "VAR=value", NULL };

static void run(const char *path)
{
	struct start s = { .path = path, .argv = default_argv,
			   .envp = default_envp };
	char what[64];

	snprintf(what, sizeof(what), "execve %.50s", path);
	in_child_arg(what, start_it, &s);
}

static void run_at(const char *what, int dir, const char *path, int flags)
{
	struct start s = { .path = path, .argv = default_argv, .at = true,
			   .envp = default_envp, .dir = dir, .flags = flags };

	in_child_arg(what, start_it, &s);
}

static void script(const char *name, const char *first_line, mode_t mode)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s\necho unreached\n", first_line);
	make_file(name, mode, text);
}

static void setup(void)
{
	char line[4200];

	umask(022);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		fail_errno("exe");
	make_dir("dir", 0755);
	if (symlink(self, "program") < 0 || symlink("program", "link") < 0 ||
	    symlink("script", "scriptlink") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("symlink");
	script("script", "#!program show", 0755);
	snprintf(line, sizeof(line), "#! \t%s  show  two words ", self);
	script("absolute", line, 0755);
	script("noarg", "#!program", 0755);
	script("nested", "#!script", 0755);
	script("self", "#!self", 0755);
	script("nointerp", "#!/no/such/interpreter", 0755);
	script("dirinterp", "#!dir", 0755);
	script("plaininterp", "#!plain", 0755);
	script("empty", "#!", 0755);
	script("spaces", "#!   ", 0755);
	script("plain", "echo", 0644);
	script("noformat", "no format at all", 0755);
	script("unreadable", "#!program show", 0111);
	make_file("nothing", 0755, "");
	make_file("elf", 0755, "\177ELF");
	make_file("dir/in", 0755, "#!program show\n");
}

static void long_first_line(void)
{
	char *line = repeat('x', 300);

	memcpy(line, "#!program ", 10);
	script("long", line, 0755);
	line[250] = 0;
	script("fits", line, 0755);
	memset(line, '/', 250);
	memcpy(line, "#!", 2);
	memcpy(line + 243, "program", 8);
	script("longinterp", line, 0755);
	run("long");
	run("fits");
	run("longinterp");
	free(line);
}

static void names(void)
{
	static const char *const path[] = {
		"program", "./program", "link", "script", "scriptlink",
		"absolute", "noarg", "nested", "self", "nointerp",
		"dirinterp", "plaininterp", "empty", "spaces", "plain",
		"noformat", "unreadable", "nothing", "elf", "dir", "dir/in",
		"none", "none/x", "program/", "script/", "loop", "", "/",
		"dir/../program", "/proc/self/exe", "/dev/null",
	};

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++)
		run(path[i]);
}

static void pointers(void)
{
	static char *bad_argv[3] = { "name" };
	struct start s = { .path = "program", .argv = default_argv };

	bad_argv[1] = bad_pointer();
	in_child_arg("no environment", start_it, &s);
	s.argv = bad_argv;
	in_child_arg("bad argument", start_it, &s);
	s.argv = bad_pointer();
	in_child_arg("bad argv", start_it, &s);
	s.argv = default_argv;
	s.envp = bad_pointer();
	in_child_arg("bad envp", start_it, &s);
	s.envp = bad_argv;
	in_child_arg("bad variable", start_it, &s);
	s = (struct start){ .path = bad_pointer(), .argv = default_argv };
	in_child_arg("bad path", start_it, &s);
	s.path = NULL;
	in_child_arg("no path", start_it, &s);
	s.path = tail_string("script");
	in_child_arg("path at the edge", start_it, &s);
}

static void sizes(void)
{
	char *big = repeat('a', 131072), *name = repeat('n', 256);
	char *argv[] = { "name", "show", big, NULL };
	struct start s = { .path = "program", .argv = argv };

	in_child_arg("argument of 128k", start_it, &s);
	big[131071] = 0;
	in_child_arg("argument just below", start_it, &s);
	run(name);
	free(big);
	free(name);
}

static void relative(void)
{
	int dir = open("dir", O_PATH | O_CLOEXEC);
	int program = open("program", O_PATH | O_CLOEXEC);
	int plain = open("program", O_RDONLY);
	int text = open("script", O_RDONLY | O_CLOEXEC);
	int kept = open("script", O_RDONLY);

	run_at("in a directory", dir, "../program", 0);
	run_at("script in a directory", dir, "in", 0);
	run_at("by descriptor", program, "", AT_EMPTY_PATH);
	run_at("by plain descriptor", plain, "", AT_EMPTY_PATH);
	run_at("script that will be closed", text, "", AT_EMPTY_PATH);
	run_at("script that stays", kept, "", AT_EMPTY_PATH);
	run_at("empty path", program, "", 0);
	run_at("no follow", AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW);
	run_at("no follow of a file", AT_FDCWD, "script", AT_SYMLINK_NOFOLLOW);
	run_at("bad flags", AT_FDCWD, "program", 0x8000);
	run_at("bad descriptor", 999, "program", 0);
	run_at("not a directory", text, "program", 0);
	run_at("no descriptor needed", 999, self, 0);
	run_at("directory by descriptor", dir, "", AT_EMPTY_PATH);
	run("/proc/self/fd/6");
	close(dir);
	close(program);
	close(plain);
	close(text);
	close(kept);
}

static void *thread(void *arg)
{
	start_it(arg);
	return NULL;
}

/* The starting thread takes over the process's number. */
static void from_thread(void)
{
	struct start s = { .path = "script", .argv = default_argv,
			   .envp = default_envp };
	pthread_t t;

	pthread_create(&t, NULL, thread, &s);
	for (;;)
		pause();
}

static void by_vfork(void)
{
	pid_t pid = vfork();

	if (!pid) {
		syscall(SYS_execve, "script", default_argv, default_envp);
		_exit(99);
	}
	say("vfork: %x", wait_for(pid));
	pid = vfork();
	if (!pid) {
		syscall(SYS_execve, "none", default_argv, default_envp);
		_exit(errno);
	}
	say("vfork of nothing: %x", wait_for(pid));
}

static void by_spawn(void)
{
	posix_spawn_file_actions_t actions;
	int ret, status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 7, "plain", O_RDONLY, 0);
	posix_spawn_file_actions_addclose(&actions, 0);
	posix_spawn_file_actions_addchdir_np(&actions, "dir");
	ret = posix_spawn(&pid, "../program", &actions, NULL, default_argv,
			  default_envp);
	status = ret ? 0 : wait_for(pid);
	say("posix_spawn: %s, %x", error_name(ret), status);
	ret = posix_spawn(&pid, "none", NULL, NULL, default_argv, NULL);
	say("posix_spawn of nothing: %s", error_name(ret));
	ret = posix_spawnp(&pid, "true", NULL, NULL, default_argv, NULL);
	status = ret ? 0 : wait_for(pid);
	say("posix_spawnp: %s, %x", error_name(ret), status);
	posix_spawn_file_actions_destroy(&actions);
}

/* A program that is being written cannot be started, and the reverse. */
static void busy(void)
{
	int fd;

	make_file("written", 0755, "#!program show\n");
	fd = open("written", O_WRONLY | O_CLOEXEC);
	run("written");
	close(fd);
	run("written");
	try(truncate(self, 0));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return show(argc, argv);
	setup();
	names();
	long_first_line();
	pointers();
	sizes();
	relative();
	in_child("from a thread", from_thread);
	by_vfork();
	by_spawn();
	busy();
	return 0;
}
