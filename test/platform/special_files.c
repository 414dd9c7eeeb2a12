/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sys/shadow.c rests on. A socket is its inode: who connects needs a name
 * of it, whichever it is by now, and its mode is changed through an O_PATH
 * descriptor. A FIFO that is unlinked while it is waited for is waited for on,
 * by those who have it; it has no link any more then. A name that is taken is
 * said of before that the socket has one already.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "test/lib.h"

static socklen_t fill(struct sockaddr_un *sun, const char *name)
{
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(sun->sun_path, name);
	return offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1;
}

static int do_connect(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun;

	if (connect(fd, (struct sockaddr *)&sun, fill(&sun, name)))
		return -errno;
	return fd;
}

static void sockets(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c, path;
	struct sockaddr_un sun;
	socklen_t len = fill(&sun, "socket");
	char link[64];
	struct stat st;

	expect(bind(s, (struct sockaddr *)&sun, len) == 0);
	expect(bind(s, (struct sockaddr *)&sun, len) < 0 &&
	       errno == EADDRINUSE);
	len = fill(&sun, "again");
	expect(bind(s, (struct sockaddr *)&sun, len) < 0 && errno == EINVAL);
	expect(access("again", F_OK) < 0);
	expect(listen(s, 5) == 0);
	expect(rename("socket", "other") == 0);
	c = do_connect("other");
	len = sizeof(sun);
	expect(c >= 0 && !getpeername(c, (struct sockaddr *)&sun, &len));
	expect(!strcmp(sun.sun_path, "socket"));
	path = open("other", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path);
	expect(chmod(link, 0) == 0 && !fstat(path, &st));
	expect((st.st_mode & 07777) == 0);
	if (geteuid())
		expect(do_connect("other") == -EACCES);
	expect(chmod(link, 0600) == 0 && do_connect("other") >= 0);
	expect(fchownat(path, "", geteuid(), getegid(), AT_EMPTY_PATH) == 0);
}

static void fifos(void)
{
	struct stat st;
	int path, w;
	pid_t pid;

	expect(mkfifo("fifo", 0600) == 0);
	path = open("fifo", O_PATH | O_CLOEXEC);
	pid = fork();
	if (!pid)
		_exit(open("fifo", O_RDONLY | O_CLOEXEC) < 0);
	/* no writer meets nobody: until it waits */
	while ((w = open("fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		expect(errno == ENXIO);
	expect(wait_for(pid) == 0);
	close(w);
	expect(unlink("fifo") == 0);
	expect(fstat(path, &st) == 0 && st.st_nlink == 0);
	expect(S_ISFIFO(st.st_mode));
}

int main(void)
{
	sockets();
	fifos();
	return 0;
}
