/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/fsmount_program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char for_administrators[] = "/usr/local/sbin:/usr/sbin:/sbin";

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static bool find_in(const char *list, const char *name, char *path,
		    size_t size)
{
	while (*list) {
		size_t n = strcspn(list, ":");
		int len = snprintf(path, size, "%.*s/%s", (int)n, list, name);

		/* Where we are is no place for a file system's program. */
		if (list[0] == '/' && len > 0 && (size_t)len < size &&
		    is_program(path))
			return true;
		list += n + (list[n] == ':');
	}
	return false;
}

static bool find_beside(const char *name, char *path, size_t size)
{
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (n < 0)
		return false;
	own[n] = '\0';
	slash = strrchr(own, '/');
	if (!slash)
		return false;
	*slash = '\0';
	n = snprintf(path, size, "%s/%s", own, name);
	return n > 0 && (size_t)n < size && is_program(path);
}

int fsmount_program_find(const struct fstype *row, struct fsmount_program *p,
			 char *called, size_t size)
{
	const char *run = fstype_value(row, FSTYPE_RUN), *word, *slash;
	size_t n = fstype_word(&run, &word);
	const char *path = getenv("PATH");
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)n, word);
	slash = strrchr(name, '/');
	snprintf(called, size, "%s", slash ? slash + 1 : name);
	if (slash) {
		strcpy(p->path, name);
		return is_program(name) ? 0 : -ENOENT;
	}
	if ((path && find_in(path, name, p->path, sizeof(p->path))) ||
	    find_beside(name, p->path, sizeof(p->path)) ||
	    find_in(for_administrators, name, p->path, sizeof(p->path)))
		return 0;
	return -ENOENT;
}

void fsmount_program_words(const struct fstype *row, struct fsmount_program *p,
			   char *source, char *target, char *list)
{
	static char dash_o[] = "-o";
	char *word, *save;
	size_t n = 0;

	snprintf(p->text, sizeof(p->text), "%s",
		 fstype_value(row, FSTYPE_RUN));
	for (word = strtok_r(p->text, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save)) {
		if (strcmp(word, "%S") == 0) {
			p->word[n++] = source;
		} else if (strcmp(word, "%T") == 0) {
			p->word[n++] = target;
		} else if (strcmp(word, "%O") != 0) {
			p->word[n++] = word;
		} else if (*list) {
			p->word[n++] = dash_o;
			p->word[n++] = list;
		}
	}
	p->word[n] = NULL;
}
