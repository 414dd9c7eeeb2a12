/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vufat: serve a FAT image by FUSE. The command line. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/fat/serve.h"

struct options {
	char *image, *tz;
	unsigned uid, gid, umask;
	int readonly, named;
};

enum { KEY_READONLY, KEY_NAMED };

static const struct fuse_opt words[] = {
	{ "uid=%u", offsetof(struct options, uid), 0 },
	{ "gid=%u", offsetof(struct options, gid), 0 },
	{ "umask=%o", offsetof(struct options, umask), 0 },
	{ "tz=%s", offsetof(struct options, tz), 0 },
	FUSE_OPT_KEY("ro", KEY_READONLY),
	FUSE_OPT_KEY("fsname=", KEY_NAMED),
	FUSE_OPT_END
};

static int usage(void)
{
	puts("usage: vufat [OPTION]... IMAGE MOUNTPOINT\n"
	     "Serve a FAT file system (FAT12, FAT16, FAT32) by FUSE.\n"
	     "\n"
	     "  -o LIST     comma separated options:\n"
	     "                ro, rw      write nothing, or the image\n"
	     "                uid=N       to whom everything belongs\n"
	     "                gid=N\n"
	     "                umask=MODE  permissions nobody has, octal\n"
	     "                tz=UTC      its times are not local ones\n"
	     "              and those of all FUSE programs: fsname=,\n"
	     "              allow_other, default_permissions, noatime...\n"
	     "  -f          stay in the foreground\n"
	     "  -d          say what is asked and answered; implies -f\n"
	     "  -s          for other programs' sake: there is one thread\n"
	     "  -h, --help  print this\n"
	     "  -V, --version");
	return 0;
}

static int version(void)
{
	printf("vufat: part of View-OS; libfuse %s\n", fuse_pkgversion());
	return 0;
}

/* The first word is the image; libfuse takes the second one. */
static int take_word(void *data, const char *arg, int key,
		     struct fuse_args *args)
{
	struct options *o = data;

	(void)args;
	if (key == KEY_READONLY)
		o->readonly = 1;
	else if (key == KEY_NAMED)
		o->named = 1;
	if (key != FUSE_OPT_KEY_NONOPT || o->image)
		return 1;
	o->image = strdup(arg);
	return o->image ? 0 : -1;
}

static int add_option(struct fuse_args *args, const char *word)
{
	char *list = NULL;
	int err = fuse_opt_add_opt_escaped(&list, word) ||
		  fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, list);

	free(list);
	return err ? -1 : 0;
}

static int name_source(struct fuse_args *args, const char *image)
{
	char word[PATH_MAX + 8], path[PATH_MAX];

	snprintf(word, sizeof(word), "fsname=%s",
		 realpath(image, path) ? path : image);
	return add_option(args, word);
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "vufat: %s: %s\n", what, why);
	return 1;
}

static const char *reason(int err)
{
	if (err == -EBUSY)
		return "in use by another vufat";
	return err == -EINVAL ? "not a FAT file system, or a broken one" :
				strerror(-err);
}

static int open_volume(struct serve *s, struct options *o,
		       struct fuse_args *args)
{
	bool asked = o->readonly, readonly = asked;
	struct fat_image image;
	int err = image_open(&image, o->image, &readonly);

	if (!err)
		err = fat_open(&s->fat, &image, readonly);
	if (err)
		return complain(o->image, reason(err));
	s->open = true;
	s->fat.utc = o->tz && strcmp(o->tz, "UTC") == 0;
	if (fat_was_dirty(&s->fat))
		complain(o->image, "was not unmounted; check it (fsck.fat)");
	if (readonly && !asked) {
		complain(o->image, "write-protected, mounting it read-only");
		return add_option(args, "ro") ? 1 : 0;
	}
	return 0;
}

static int serve(struct serve *s, struct fuse_args *args,
		 const struct fuse_cmdline_opts *how)
{
	struct fuse_session *session = fuse_session_new(args, &serve_ops,
						sizeof(serve_ops), s);
	int ret = 1;

	if (!session)
		return 1;
	if (fuse_set_signal_handlers(session) == 0) {
		if (fuse_session_mount(session, how->mountpoint) == 0) {
			ret = fuse_daemonize(how->foreground) ||
			      fuse_session_loop(session) < 0;
			fuse_session_unmount(session);
		}
		fuse_remove_signal_handlers(session);
	}
	fuse_session_destroy(session);
	return ret;
}

static int run(struct options *o, struct fuse_args *args,
	       const struct fuse_cmdline_opts *how)
{
	struct serve *s = calloc(1, sizeof(*s));
	int ret = 1;

	if (!s)
		return complain(o->image, strerror(ENOMEM));
	s->uid = o->uid;
	s->gid = o->gid;
	s->umask = o->umask & 0777;
	if (!open_volume(s, o, args) &&
	    (o->named || !name_source(args, o->image)))
		ret = serve(s, args, how);
	serve_close(s);
	if (s->result)
		ret = complain(o->image, strerror(-s->result));
	free(s);
	return ret;
}

static int start(struct options *o, struct fuse_args *args,
		 struct fuse_cmdline_opts *how)
{
	if (fuse_opt_parse(args, o, words, take_word) < 0 ||
	    fuse_parse_cmdline(args, how) < 0)
		return 1;
	if (how->show_help)
		return usage();
	if (how->show_version)
		return version();
	if (!o->image || !how->mountpoint)
		return complain("IMAGE MOUNTPOINT",
				"both have to be given (--help)");
	if (o->tz && strcmp(o->tz, "UTC"))
		return complain("tz", "only tz=UTC is known");
	return run(o, args, how);
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct options o = { .uid = getuid(), .gid = getgid() };
	struct fuse_cmdline_opts how = { 0 };
	int ret;

	o.umask = umask(0);
	umask(o.umask);
	ret = start(&o, &args, &how);
	free(how.mountpoint);
	free(o.image);
	free(o.tz);
	fuse_opt_free_args(&args);
	return ret;
}
