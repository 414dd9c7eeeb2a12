/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A FUSE server that may not mount by itself starts fusermount, which is
 * setuid, with one end of a pair of stream sockets. fusermount opens
 * /dev/fuse, mounts, and sends the open device through the socket. In a view
 * nobody needs a privilege to mount; so this program stands in for
 * fusermount, and is called by its names. What it opens and mounts is the
 * view's.
 *
 * With auto_unmount it stays, in the background, holding nothing but the
 * socket. That the other end is closed tells that the server is gone, which
 * nothing else would tell: the mount is undone then, unless it has been
 * already. It must not keep the device: as long as one holds the server's
 * end of the connection, the server does not look dead.
 *
 * Nothing here trusts more than its caller has: it gives no rights away.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/fuseopt.h"
#include "tools/session.h"
#include "tools/tool.h"

#define DEVICE "/dev/fuse"
#define COMM_VARIABLE "_FUSE_COMMFD"
#define VIA_VARIABLE "VU_VIA"
/* Whose manners these are, for callers that ask a fusermount. */
#define LIKE_LIBFUSE "3.17.0"

enum { OPTION_AUTO_UNMOUNT = 1, OPTION_COMM };

static const char *const stands_for[] = { "fusermount", "fusermount3", NULL };

struct command {
	const char *name;	/* for messages */
	struct fuse_options options;
	bool unmount, lazy, quiet;
	bool only_watch;	/* who mounted needs us for auto_unmount */
	const char *comm;	/* the socket's number, as text; or NULL */
	const char *given;	/* the mount point */
};

/* --- the other end ------------------------------------------------------- */

/* Return: the socket to the server, or -1 and a message was given */
static int comm_socket(const struct command *c)
{
	const char *text = c->comm ? c->comm : getenv(COMM_VARIABLE);
	struct stat st;
	long fd;

	if (!text)
		tool_error(c->name, "only FUSE servers can mount with this: "
			   COMM_VARIABLE " is not set");
	else if (tool_number(text, 0, INT_MAX, &fd))
		tool_error(c->name, "%s: not a descriptor", text);
	else if (fstat((int)fd, &st))
		tool_error(c->name, "descriptor %ld: %s", fd, strerror(errno));
	else if (!S_ISSOCK(st.st_mode))
		tool_error(c->name, "descriptor %ld is not a socket", fd);
	else
		return (int)fd;
	return -1;
}

/* Send an open file, with the one byte that has to go with it. */
static int send_descriptor(int comm, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .space = "" };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	do
		n = sendmsg(comm, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* --- mounting ------------------------------------------------------------ */

/* Return: open device, or -1 and a message was given */
static int open_device(const struct command *c)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENODEV))
		tool_error(c->name, "there is no " DEVICE
			   " (try 'vu_insmod vufuse')");
	else if (fd < 0)
		tool_error(c->name, "failed to open " DEVICE ": %s",
			   strerror(errno));
	return fd;
}

/*
 * A sandbox around the view may refuse mount(2) and umount2(2) before the
 * monitor sees them: then it is asked as the other tools ask it. It also
 * says more than an errno does.
 * Return: TOOL_OK or TOOL_FAILED
 */
static int ask_monitor(const char *name, const struct session_request *req)
{
	int status, fd = session_open(name, &status);

	if (fd < 0)
		return TOOL_FAILED;
	status = session_ask(name, fd, req);
	close(fd);
	return status;
}

static int mount_in_view(const struct command *c, const char *target,
			 const char *type)
{
	const struct fuse_options *o = &c->options;
	const char *source = fuse_options_source(o);
	char flags[24];
	struct session_request req = {
		.word = { "mount", type, source, target, o->data, flags },
	};

	if (!mount(source, target, type, o->flags, o->data))
		return TOOL_OK;
	snprintf(flags, sizeof(flags), "%lu", (unsigned long)o->flags);
	return ask_monitor(c->name, &req);
}

static int unmount_quietly(const char *name, const char *target, int flags)
{
	char text[24];
	struct session_request req = { .word = { "umount", target, text } };
	int status, fd, err;

	if (!umount2(target, flags))
		return 0;
	if (errno != EPERM && errno != ENOSYS)
		return -errno;
	fd = session_open(name, &status);
	if (fd < 0)
		return -EPERM;
	snprintf(text, sizeof(text), "%d", flags);
	err = session_try(fd, &req);
	close(fd);
	return err;
}

static int mount_device(struct command *c, int device, const char *target)
{
	struct fuse_options *o = &c->options;
	char type[FUSE_TYPE_SIZE];
	struct stat st;

	if (lstat(target, &st)) {
		tool_error(c->name, "failed to access mountpoint %s: %s",
			   target, strerror(errno));
		return TOOL_FAILED;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
		tool_error(c->name, "mountpoint %s is not a directory or a "
			   "regular file", target);
		return TOOL_FAILED;
	}
	if (fuse_options_add_mount(o, device, st.st_mode, getuid(),
				   getgid())) {
		tool_error(c->name, "mount options too long");
		return TOOL_FAILED;
	}
	fuse_options_type(o, type);
	return mount_in_view(c, target, type);
}

/* Mount, and give the server its device; what fails leaves no mount. */
static int mount_for(struct command *c, int comm, const char *target)
{
	int device = open_device(c), status, err;

	if (device < 0)
		return TOOL_FAILED;
	status = mount_device(c, device, target);
	if (status == TOOL_OK) {
		err = send_descriptor(comm, device);
		if (err) {
			tool_error(c->name, "sending file descriptor: %s",
				   strerror(-err));
			unmount_quietly(c->name, target,
					UMOUNT_NOFOLLOW | MNT_DETACH);
			status = TOOL_FAILED;
		}
	}
	close(device);
	return status;
}

/* --- unmounting ---------------------------------------------------------- */

static int unmount(const struct command *c, const char *target)
{
	int flags = UMOUNT_NOFOLLOW | (c->lazy ? MNT_DETACH : 0);

	int err = unmount_quietly(c->name, target, flags);

	if (err && !c->quiet)
		tool_error(c->name, "failed to unmount %s: %s", target,
			   strerror(-err));
	return err ? TOOL_FAILED : TOOL_OK;
}

/*
 * Hold the socket and nothing else: no directory, no terminal, no file. A
 * signal meant for the server must not end us before it.
 * Return: 0 or -errno
 */
static int go_behind(int comm)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t all;

	if (chdir("/"))
		return -errno;
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int fd = 0; fd <= 2; fd++) {
		if (fd != comm)
			dup2(null, fd);
	}
	if (comm > 3)
		close_range(3, comm - 1, 0);
	close_range(comm > 2 ? comm + 1 : 3, ~0U, 0);
	return 0;
}

/* The server may have made the socket one that does not block. */
static void wait_for_end(int comm)
{
	struct pollfd p = { .fd = comm, .events = POLLIN };
	char text[16];
	ssize_t n;

	do {
		poll(&p, 1, -1);
		n = recv(comm, text, sizeof(text), 0);
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
}

/*
 * A mount that its server has left answers so to whoever opens it. Anything
 * else has been unmounted, or is somebody else's mount by now.
 */
static bool is_left(const char *target)
{
	int fd = open(target, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTCONN || errno == ECONNABORTED;
	close(fd);
	return false;
}

static int watch(const struct command *c, int comm, const char *target)
{
	struct command last = { .name = c->name, .lazy = true, .quiet = true };

	int err = go_behind(comm);

	if (err) {
		tool_error(c->name, "failed to go to /: %s", strerror(-err));
		return TOOL_FAILED;
	}
	wait_for_end(comm);
	return is_left(target) ? unmount(&last, target) : TOOL_OK;
}

/* --- the command --------------------------------------------------------- */

/*
 * Some servers, those in Go, give us an environment of their own making. What
 * VU_VIA says is for the monitor, which looks at who mounts; so the server's
 * is taken, and we start once more, for it does not see what is set later.
 */
static void take_via(char **argv)
{
	char path[32], *entry = NULL;
	size_t size = 0;
	FILE *f;

	if (getenv(VIA_VARIABLE))
		return;
	snprintf(path, sizeof(path), "/proc/%d/environ", getppid());
	f = fopen(path, "re");
	while (f && getdelim(&entry, &size, '\0', f) > 0) {
		if (strncmp(entry, VIA_VARIABLE "=", sizeof(VIA_VARIABLE)))
			continue;
		putenv(entry);
		execv("/proc/self/exe", argv);
		entry = NULL;		/* it is of the environment now */
		break;
	}
	free(entry);
	if (f)
		fclose(f);
}

static int act_on(struct command *c, const char *target)
{
	int comm, status = TOOL_OK;

	if (c->unmount)
		return unmount(c, target);
	comm = comm_socket(c);
	if (comm < 0)
		return TOOL_FAILED;
	if (!c->only_watch)
		status = mount_for(c, comm, target);
	if (status == TOOL_OK && (c->only_watch || c->options.auto_unmount))
		return watch(c, comm, target);
	return status;
}

static int act(struct command *c)
{
	int status = TOOL_OK;
	int monitor = session_open(c->name, &status);
	char *target;

	if (monitor < 0)
		return status;
	close(monitor);
	target = tool_point_name(c->given);
	if (!target) {
		tool_error(c->name, "bad mount point %s: %s", c->given,
			   strerror(errno));
		return TOOL_FAILED;
	}
	status = act_on(c, target);
	free(target);
	return status;
}

static int add_options(struct command *c, const char *list)
{
	struct fuse_options *o = &c->options;
	int err = fuse_options_add(o, list);

	if (err == -EINVAL)
		tool_error(c->name, "unknown option '%.*s'",
			   o->unknown_length, o->unknown);
	else if (err)
		tool_error(c->name, "mount options too long");
	return err ? TOOL_FAILED : TOOL_OK;
}

static int version(const char *name)
{
	for (size_t i = 0; stands_for[i]; i++) {
		if (strcmp(name, stands_for[i]) == 0) {
			printf("%s version: " LIKE_LIBFUSE " (View-OS %s)\n",
			       name, VU_VERSION);
			return TOOL_OK;
		}
	}
	return tool_option(&tool_fusermount, name, TOOL_OPTION_VERSION);
}

static int act_on_operands(struct command *c, int n, char **operand)
{
	unsigned long refused = c->options.refused;

	if (c->lazy && !c->unmount)
		return tool_misused(&tool_fusermount, c->name,
				    "-z can only be used with -u");
	if (n != 1)
		return tool_misused(&tool_fusermount, c->name, n ?
				    "extra arguments after the mountpoint" :
				    "missing mountpoint argument");
	if (refused)
		tool_error(c->name, "unsafe option%s%s ignored",
			   refused & MS_NOSUID ? " suid" : "",
			   refused & MS_NODEV ? " dev" : "");
	c->given = operand[0];
	return act(c);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "options", required_argument, NULL, 'o' },
		{ "unmount", no_argument, NULL, 'u' },
		{ "lazy", no_argument, NULL, 'z' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "auto-unmount", no_argument, NULL, OPTION_AUTO_UNMOUNT },
		{ "comm-fd", required_argument, NULL, OPTION_COMM },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct command c = { .name = argv[0] };
	int option, status = TOOL_OK;

	take_via(argv);
	fuse_options_init(&c.options);
	while (status == TOOL_OK &&
	       (option = getopt_long(argc, argv, "o:uzqhV", options,
				     NULL)) != -1) {
		switch (option) {
		case 'o': status = add_options(&c, optarg); break;
		case 'u': c.unmount = true; break;
		case 'z': c.lazy = true; break;
		case 'q': c.quiet = true; break;
		case OPTION_AUTO_UNMOUNT: c.only_watch = true; break;
		case OPTION_COMM: c.comm = optarg; break;
		case 'V':
		case TOOL_OPTION_VERSION: return version(c.name);
		default: return tool_option(&tool_fusermount, c.name, option);
		}
	}
	if (status != TOOL_OK)
		return status;
	return act_on_operands(&c, argc - optind, argv + optind);
}

const struct tool tool_fusermount = {
	.word = "fusermount",
	.program = "vu_fusermount",
	.stands_for = stands_for,
	.help = "mount for a FUSE server, or undo that",
	.usage = "[-o LIST] MOUNTPOINT\n"
		 "       or -u [-z] [-q] MOUNTPOINT, or --auto-unmount "
		 "MOUNTPOINT\n"
		 "\n"
		 "  -o, --options LIST    comma separated options, repeatable\n"
		 "  -u, --unmount         undo a mount\n"
		 "  -z, --lazy            take it out of sight now, finish\n"
		 "                        when nobody uses it any more\n"
		 "  -q, --quiet           no message when that fails\n"
		 "      --auto-unmount    only wait for the server's end, and\n"
		 "                        undo its mount then\n"
		 "      --comm-fd N       the socket to the server, instead\n"
		 "                        of $" COMM_VARIABLE "\n"
		 "  -h, --help            this text\n"
		 "  -V, --version         version\n",
	.run = run,
};
