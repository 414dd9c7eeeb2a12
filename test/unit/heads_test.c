/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of programs, and when it is not to be believed. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "sys/heads.h"
#include "test/unit/check.h"

static struct statx program(unsigned long ino)
{
	struct statx st = {
		.stx_mask = HEAD_MASK, .stx_mode = S_IFREG | 0755,
		.stx_ino = ino, .stx_size = 100,
		.stx_mtime.tv_sec = time(NULL) - 60,
		.stx_ctime.tv_sec = time(NULL) - 60,
	};

	return st;
}

static bool kept(const struct statx *st)
{
	const struct elf_interp elf = { true, 64, "/lib/loader" };
	struct elf_interp got = { 0 };

	head_note(st, &elf);
	return head_known(st, &got) && got.wide && got.header == 64 &&
	       !strcmp(got.path, elf.path);
}

static bool known(const struct statx *st)
{
	struct elf_interp got;

	return head_known(st, &got);
}

int main(void)
{
	struct statx st = program(1), other = program(1);

	CHECK(!known(&st));
	CHECK(kept(&st));
	other.stx_size++;
	CHECK(!known(&other));
	other = st;
	other.stx_ctime.tv_nsec++;
	CHECK(!known(&other));
	other = st;
	other.stx_dev_minor++;
	CHECK(!known(&other));
	CHECK(known(&st));

	st = program(2);
	st.stx_ctime.tv_sec = time(NULL);	/* could change unseen */
	CHECK(!kept(&st));
	st = program(3);
	st.stx_mode = S_IFREG | 0711;
	CHECK(!kept(&st));
	st = program(4);
	st.stx_mask &= ~STATX_CTIME;
	CHECK(!kept(&st));
	return failures != 0;
}
