/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces: what the keeper would do, done in a child. A system may let
 * anyone make a user namespace in which then nothing is allowed, so each
 * probe goes on until something of use has worked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tools/probe.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int map_id(const char *path, unsigned id)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1", id);
	return write_file(path, text);
}

/*
 * Enter a new user namespace as its root, and further new ones; a root who
 * may not have the first can perhaps do without.
 */
static int enter(int further)
{
	unsigned uid = geteuid(), gid = getegid();
	int err;

	if (unshare(CLONE_NEWUSER | further) < 0) {
		err = -errno;
		return unshare(further) < 0 ? err : 0;
	}
	err = write_file("/proc/self/setgroups", "deny");
	if (!err)
		err = map_id("/proc/self/uid_map", uid);
	if (!err)
		err = map_id("/proc/self/gid_map", gid);
	return err;
}

static int enter_for_mounts(void)
{
	int err = enter(CLONE_NEWNS);

	if (!err && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		err = -errno;
	return err;
}

/* On "/": it is there everywhere, and only the child's root is changed. */
static int mount_tmpfs(void)
{
	int err = enter_for_mounts();

	if (!err && mount("none", "/", "tmpfs", 0, "size=64k") < 0)
		err = -errno;
	return err;
}

int probe_user_namespace(struct probe_note *note)
{
	(void)note;
	return probe_in_child(mount_tmpfs);
}

static int mount_fuse(void)
{
	char data[96];
	int fd, err = enter_for_mounts();

	if (err)
		return err;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(data, sizeof(data),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("none", "/", "fuse", MS_NOSUID | MS_NODEV, data) < 0)
		err = -errno;
	close(fd);
	return err;
}

int probe_fuse_mount(struct probe_note *note)
{
	(void)note;
	return probe_in_child(mount_fuse);
}

static int raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s, err = enter(CLONE_NEWNET);

	if (err)
		return err;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	if (ioctl(s, SIOCSIFFLAGS, &request) < 0)
		err = -errno;
	close(s);
	return err;
}

int probe_net_namespace(struct probe_note *note)
{
	(void)note;
	return probe_in_child(raise_loopback);
}

static int make_tap(void)
{
	struct ifreq request = { .ifr_name = "vu0",
				 .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd, err = enter(CLONE_NEWNET);

	if (err)
		return err;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		err = -errno;
	close(fd);
	return err;
}

int probe_tap(struct probe_note *note)
{
	(void)note;
	return probe_in_child(make_tap);
}
