/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_DIFF_SHOW_H
#define TOOLS_DIFF_SHOW_H

#include <stdbool.h>
#include "tools/diff_changes.h"
#include "tools/term.h"

/* One sign and one word for each kind of change. */
char change_sign(enum change_kind kind);
const char *change_word(enum change_kind kind);
enum shade change_shade(enum change_kind kind);

/* "directory", "file", "symlink"... */
const char *type_word(mode_t mode);

/* 0, 999, 1.2K, 34M... Room for 16 bytes; returns buf. */
char *size_text(char *buf, uint64_t bytes);

/* "user:group 0755" into buf of 96 bytes; returns it. */
char *owner_text(char *buf, const struct stat *st);

/*
 * The tree of all changes, and a line that counts them.
 * @brief: a new directory with much in it is one line
 */
void changes_tree(const struct opened *o, const struct changes *c,
	       const struct term *term, bool brief);

/* "2 created, 1 changed; 12K more, 3K less" */
void changes_summary(const struct changes *c, const struct term *term);

/* What a change is, on one line: "file, 1.2K -> 3K", "root:root 0755 -> ..." */
void change_detail(const struct change *c, const struct term *term);

/* A line for each change: how many lines of a text, else sizes. */
void changes_stat(const struct opened *o, const struct changes *c,
	       const struct term *term);

/* All of it as diff -u has it; other changes as lines that patch passes by. */
void changes_unified(const struct opened *o, const struct changes *c,
		  const struct term *term);

void changes_json(const struct opened *o, const struct changes *c, FILE *out);

/* One page that needs nothing else. */
void changes_html(const struct opened *o, const struct changes *c, FILE *out);

/* How many lines a change adds and removes. false: it is no text. */
struct text_count {
	size_t added, removed;
};
bool count_lines(const struct opened *o, const struct change *c,
		 struct text_count *n);

/*
 * Both texts of a change, compared: false when one is none, or there is
 * nothing to compare.
 */
struct text;
bool texts_of(const struct opened *o, const struct change *c, struct text *a,
	      struct text *b);

#endif
