/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel calls what is seen, and what an ordinary user may: mincow in a target that is not his, merge,
 * options that only tell, and a store that says what is not so.
 */
#include <grp.h>

#include "test/unit/vufs_view.h"

#define USER 64001

static struct vu_mount m;

static void fresh(void)
{
	CHECK(!seteuid(0) || geteuid());
	remove_tree("store");
	remove_tree("target");
	mkdir("store", 0755);
	mkdir("target", 0755);
	mkdir("target/a", 0755);
	mkdir("target/mine", 0755);
	write_file("target/a/x", "x");
	write_file("target/f", "f");
	write_file("target/secret", "s");
	write_file("target/mine/m", "m");
	CHECK(!chmod("target/f", 0644) && !chmod("target/secret", 0600));
	CHECK(!chown("store", USER, USER) && !chown("target/mine", USER, USER));
	CHECK(!chown("target/mine/m", USER, USER));
}

static void mount_as(uid_t uid, enum layer_mode mode, unsigned flags)
{
	fake_who.uid = fake_who.gid = uid;
	CHECK(!setegid(uid) && !seteuid(uid));
	m = mount_layer("store", "target", (struct layer_options){
			.layered = true, .mode = mode, .flags = flags });
}

static void done(void)
{
	unmount_layer(&m);
	CHECK(!seteuid(0) && !setegid(0));
}

static int write_to(const char *path, const char *text)
{
	int fd = layer_create(NULL, &m, path, O_WRONLY | O_APPEND, 0644);

	if (fd < 0)
		return fd;
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	return 0;
}

static bool is(const char *name, const char *text)
{
	char buf[64] = "";
	int fd = open(name, O_RDONLY);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = '\0';
	close(fd);
	return !strcmp(buf, text);
}

static struct stat seen(const char *path)
{
	struct vu_node node = { .fd = -1 };

	CHECK(!layer_lookup(NULL, &m, path, &node));
	close(node.fd);
	return node.attr;
}

static int store_set_told(struct vu_mount *of, const char *path)
{
	const struct store_attr a = { .set = STORE_UID, .uid = 5 };
	int err;

	store_change(layer_of(of)->s);
	err = store_set_attr(layer_of(of)->s, path, NULL, &a);
	store_changed(layer_of(of)->s);
	return err;
}

/* In a directory that is his, of one that is not: a hidden name is left. */
static void mincow_directory(void)
{
	fresh();
	CHECK(!mkdir("target/mine/d", 0777) && !mkdir("target/mine/d/in", 0755));
	CHECK(!chmod("target/mine/d", 01777));
	mount_as(USER, LAYER_MINCOW, 0);
	CHECK(layer_rmdir(NULL, &m, "mine/d") == -ENOTEMPTY);
	CHECK(!layer_rmdir(NULL, &m, "mine/d/in"));
	CHECK(!access("target/mine/d/in", F_OK));
	CHECK(!layer_rmdir(NULL, &m, "mine/d"));
	CHECK(layer_lookup(NULL, &m, "mine/d", &(struct vu_node){ 0 }) ==
	      -ENOENT);
	CHECK(!access("target/mine/d/in", F_OK));
	done();
}

static void mincow(void)
{
	fresh();
	mount_as(USER, LAYER_MINCOW, 0);
	CHECK(!write_to("mine/m", "1") && is("target/mine/m", "m1"));
	CHECK(!write_to("mine/n", "n") && is("target/mine/n", "n"));
	CHECK(!write_to("f", "2") && is("target/f", "f"));
	CHECK(is("store/f", "f2"));
	CHECK(!write_to("new", "3") && is("store/new", "3"));
	CHECK(access("target/new", F_OK));
	CHECK(write_to("secret", "4") == -EACCES);
	CHECK(layer_chmod(NULL, &m, "secret", 0644) == -EPERM);
	CHECK(!layer_access(NULL, &m, "a", W_OK));
	CHECK(layer_access(NULL, &m, "secret", R_OK) == -EACCES);
	CHECK(!layer_unlink(NULL, &m, "a/x"));
	CHECK(!layer_rmdir(NULL, &m, "a"));
	CHECK(!layer_rename(NULL, &m, "mine/n", "mine/o", 0));
	CHECK(is("target/mine/o", "n"));
	CHECK(!layer_rename(NULL, &m, "mine/o", "o", 0));
	CHECK(is("target/mine/o", "n"));
	CHECK(seen("f").st_uid == 0 && seen("new").st_uid == USER);
	/* what was recorded of a file is not told of the next one */
	CHECK(write_to("mine/q", "1") == 0);
	CHECK(!store_set_told(&m, "mine/q"));
	CHECK(seen("mine/q").st_uid == 5);
	CHECK(!layer_unlink(NULL, &m, "mine/q") && !write_to("mine/q", "2"));
	CHECK(is("target/mine/q", "2") && seen("mine/q").st_uid == USER);
	done();
	CHECK(is("target/a/x", "x"));
}

static void cow_user(void)
{
	fresh();
	mount_as(USER, LAYER_COW, 0);
	CHECK(write_to("f", "2") == -EACCES);
	CHECK(write_to("new", "3") == -EACCES);
	CHECK(layer_mkdir(NULL, &m, "d", 0755) == -EACCES);
	CHECK(layer_unlink(NULL, &m, "f") == -EACCES);
	CHECK(layer_chmod(NULL, &m, "f", 0777) == -EPERM);
	CHECK(layer_chown(NULL, &m, "mine/m", 0, -1) == -EPERM);
	CHECK(!write_to("mine/m", "1") && is("target/mine/m", "m"));
	CHECK(!layer_chmod(NULL, &m, "mine", 0));
	CHECK(layer_lookup(NULL, &m, "mine/m", &(struct vu_node){ 0 }) ==
	      -EACCES);
	done();
}

static void merge(void)
{
	struct vu_node node;

	fresh();
	write_file("store/f", "over");
	mkdir("store/only", 0755);
	mount_as(0, LAYER_MERGE, 0);
	CHECK(write_to("f", "1") == -EROFS);
	CHECK(write_to("only/x", "1") == -EROFS);
	CHECK(layer_unlink(NULL, &m, "f") == -EROFS);
	CHECK(layer_chmod(NULL, &m, "f", 0600) == -EROFS);
	CHECK(!write_to("new", "n") && is("target/new", "n"));
	CHECK(!layer_unlink(NULL, &m, "a/x") && access("target/a/x", F_OK));
	CHECK(!layer_lookup(NULL, &m, "f", &node) && !node.same);
	close(node.fd);
	done();
	CHECK(access("store/.vufs", F_OK));
}

static void told_only(void)
{
	fresh();
	mount_as(USER, LAYER_MINCOW, LAYER_WOK | LAYER_NOCHCOPY);
	CHECK((seen("f").st_mode & 0777) == 0666);
	CHECK(!layer_chmod(NULL, &m, "f", 0755) && access("store/f", F_OK));
	CHECK((seen("f").st_mode & 0111) == 0111);
	done();
	mount_as(USER, LAYER_COW, LAYER_RDONLY);
	CHECK(write_to("mine/m", "1") == -EROFS);
	CHECK(layer_mkdir(NULL, &m, "mine/d", 0755) == -EROFS);
	CHECK(layer_access(NULL, &m, "f", W_OK) == -EROFS);
	done();
}

static void vstat(void)
{
	struct stat st;
	int fd;

	fresh();
	mount_as(USER, LAYER_COW, LAYER_VSTAT);
	fake_who.uid = fake_who.gid = 0;
	CHECK(!layer_mknod(NULL, &m, "null", S_IFCHR | 0666, 0x103));
	CHECK(seen("null").st_rdev == 0x103 && S_ISCHR(seen("null").st_mode));
	fd = layer_open(NULL, &m, "null", O_WRONLY);
	CHECK(fd >= 0 && !fstat(fd, &st) && st.st_rdev == 0x103);
	close(fd);
	CHECK(!layer_mknod(NULL, &m, "disk", S_IFBLK | 0600, 0x800));
	CHECK(layer_open(NULL, &m, "disk", O_RDONLY) == -ENXIO);
	CHECK(!layer_chown(NULL, &m, "f", 5, 6) && access("store/f", F_OK));
	CHECK(seen("f").st_uid == 5 && seen("f").st_gid == 6);
	CHECK(!layer_chmod(NULL, &m, "f", 04711));
	CHECK((seen("f").st_mode & 07777) == 04711);
	CHECK(!layer_mkdir(NULL, &m, "shut", 0700));
	CHECK(!write_to("shut/in", "1"));
	CHECK(!layer_chmod(NULL, &m, "shut", 0700));
	/* a program that has dropped its rights */
	fake_who.uid = fake_who.gid = 7;
	CHECK(layer_access(NULL, &m, "shut", X_OK) == -EACCES);
	CHECK(layer_lookup(NULL, &m, "shut/in", &(struct vu_node){ 0 }) ==
	      -EACCES);
	CHECK(write_to("a/new", "1") == -EACCES);
	/* nor is root let at what the kernel would not show: it is not there */
	fake_who.uid = 0;
	CHECK(write_to("secret", "1") == -ENOENT);
	done();
	CHECK(is("target/secret", "s"));
}

static bool name_is(const char *kernel_name, const char *want)
{
	char name[PATH_MAX + 64], top[PATH_MAX / 2], buf[PATH_MAX];
	ssize_t n;

	CHECK(getcwd(top, sizeof(top)));
	snprintf(name, sizeof(name), "%s%s", top, kernel_name);
	n = layer_name_here(&m, name, buf, sizeof(buf));
	return n < 0 ? !want && n == -ENOENT : want && !strcmp(buf, want);
}

static void names(void)
{
	char file[64] = "/store/.vufs/links/";
	struct dirent *e;
	DIR *d;

	fresh();
	CHECK(!link("target/f", "target/g"));
	mount_as(0, LAYER_COW, 0);
	CHECK(!layer_rename(NULL, &m, "a", "b", 0));
	CHECK(!layer_unlink(NULL, &m, "secret"));
	CHECK(!write_to("f", "1"));
	CHECK(name_is("/target/a/x", "b/x") && name_is("/target", ""));
	CHECK(name_is("/target/secret", NULL) && name_is("/store/f", "f"));
	CHECK(name_is("/store/.vufs/log", NULL));
	d = opendir("store/.vufs/links");
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			strcat(file, e->d_name);
	if (d)
		closedir(d);
	CHECK(name_is(file, "f"));
	/* the other name leads to the copy, and so does what is open */
	CHECK(seen("g").st_size == 2 && seen("g").st_ino == seen("f").st_ino);
	CHECK(layer_name_here(&m, "/", file, sizeof(file)) == -EXDEV);
	done();
}

int main(void)
{
	if (geteuid() || setgroups(0, NULL)) {
		printf("only root can be several users\n");
		return 77;
	}
	enter_scratch("vufs_rights");
	CHECK(!chmod(".", 0755));
	mincow();
	mincow_directory();
	cow_user();
	merge();
	told_only();
	vstat();
	names();
	leave_scratch();
	return failures ? 1 : 0;
}
