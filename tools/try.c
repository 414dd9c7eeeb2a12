/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/try.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "tools/commit.h"
#include "tools/commit_run.h"
#include "tools/diff_show.h"
#include "tools/discard.h"
#include "tools/stores_open.h"
#include "tools/stores_place.h"
#include "tools/tool.h"

enum answer { ANSWER_ASK, ANSWER_KEEP, ANSWER_COMMIT, ANSWER_DROP };

/* --- the store ----------------------------------------------------------- */

/* "20261130-204501-make"; number: of another try in the same second */
static char *new_name(const char *place, const char *command, int number)
{
	const char *base = strrchr(command, '/');
	char word[33] = "", when[32], *name;
	time_t now = time(NULL);
	struct tm tm;
	size_t n = 0;

	for (base = base ? base + 1 : command; *base && n < 32; base++)
		if (isalnum((unsigned char)*base) || strchr("._+-", *base))
			word[n++] = *base;
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &tm);
	if (number)
		snprintf(when + strlen(when), 8, ".%d", number);
	return asprintf(&name, "%s/%s-%s", place, when, word) < 0 ? NULL :
	       name;
}

static int make_new(struct trial *t, const char *place)
{
	char *path = NULL;
	int err = stores_make_place(place);

	for (int i = 0; !err && !path && i < 1000; i++) {
		path = new_name(place, t->command[0], i);
		if (path && mkdir(path, 0700) == 0)
			break;
		/* EACCES: it is that of a try around us, hidden here. */
		if (errno != EEXIST && (errno != EACCES || i > 2))
			err = -errno;
		free(path);
		path = NULL;
	}
	if (!path) {
		tool_error(t->name, "%s: no store can be made: %s", place,
			   strerror(err ? -err : EEXIST));
		return -1;
	}
	t->made = true;
	t->store = realpath(path, NULL);
	free(path);
	return t->store ? 0 : -1;
}

static int choose_store(struct trial *t, const char *given)
{
	char *place;
	int err;

	if (given) {
		if (mkdir(given, 0700) < 0 && errno != EEXIST) {
			tool_error(t->name, "%s: %s", given, strerror(errno));
			return -1;
		}
		t->store = realpath(given, NULL);
		if (!t->store)
			tool_error(t->name, "%s: %s", given, strerror(errno));
		return t->store ? 0 : -1;
	}
	place = stores_place();
	if (!place) {
		tool_error(t->name, "there is no home directory for a store; "
			   "-D names one");
		return -1;
	}
	err = make_new(t, place);
	free(place);
	return err;
}

/* --- exceptions ---------------------------------------------------------- */

/* Return: 0, or -1 having complained */
static int add_except(struct trial *t, const char *path)
{
	char *whole = tool_point_name(path);
	struct stat st;

	if (!whole || lstat(whole, &st) < 0) {
		tool_error(t->name, "%s: %s", path, strerror(errno));
		free(whole);
		return -1;
	}
	if (strchr(whole, ',') || !strcmp(whole, "/")) {
		tool_error(t->name, "%s: %s", whole, whole[1] ?
			   "a name with a comma cannot be excepted" :
			   "then there would be nothing to try");
		free(whole);
		return -1;
	}
	t->except = tool_resize(t->except, t->nexcept + 1,
				sizeof(*t->except));
	t->except[t->nexcept++] = whole;
	return 0;
}

static int add_usual(struct trial *t)
{
	static const char *const usual[] = { "/proc", "/sys", "/dev" };
	struct stat st;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (stat(usual[i], &st) == 0 && add_except(t, usual[i]) < 0)
			return -1;
	}
	return 0;
}

/* --- afterwards ---------------------------------------------------------- */

static int commit(const struct trial *t)
{
	static const struct commit_options options;
	char *all[] = { NULL };

	return commit_store(t->name, t->store, all, &options);
}

static void look(const struct opened *o, const struct changes *c)
{
	const char *pager = getenv("PAGER");
	FILE *out;

	fflush(NULL);
	out = popen(pager && *pager ? pager : "less -R", "we");
	if (out) {
		struct term term = { .out = out, .colour = true,
				     .utf8 = true };

		changes_unified(o, c, &term);
		if (pclose(out) == 0)
			return;
	}
	changes_unified(o, c, &(struct term){ .out = stderr });
}

/* Asks until it understands. The end of the input keeps what there is. */
static enum answer ask(const struct opened *o, const struct changes *c)
{
	char line[64];

	for (;;) {
		fputs("keep the store (k), look at it (l), commit it to the "
		      "real system (c), drop it (d)? ", stderr);
		if (!fgets(line, sizeof(line), stdin)) {
			putc('\n', stderr);
			return ANSWER_KEEP;
		}
		switch (tolower((unsigned char)line[0])) {
		case 'k': return ANSWER_KEEP;
		case 'c': return ANSWER_COMMIT;
		case 'd': return ANSWER_DROP;
		case 'l': look(o, c); break;
		default: break;
		}
	}
}

static int carry_out(const struct trial *t, enum answer answer)
{
	const char *slash = strrchr(t->store, '/');

	switch (answer) {
	case ANSWER_COMMIT: return commit(t);
	case ANSWER_DROP: return discard_store(t->name, t->store);
	default:
		fprintf(stderr, "kept: vu diff %s, vu commit %s, "
			"vu discard %s\n",
			t->made ? slash + 1 : t->store,
			t->made ? slash + 1 : t->store,
			t->made ? slash + 1 : t->store);
		return TOOL_OK;
	}
}

/* Return: what is to become of it */
static enum answer show(const struct opened *o, const struct changes *c,
			enum answer answer)
{
	struct term term = term_open(stderr);

	changes_tree(o, c, &term, true);
	if (!c->n)
		return ANSWER_DROP;
	if (answer != ANSWER_ASK)
		return answer;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return ANSWER_KEEP;
	return ask(o, c);
}

static int conclude(const struct trial *t, enum answer answer)
{
	struct changes c;
	struct opened o;
	int err, changed;

	if (opened_open(t->name, t->store, false, &o) < 0)
		return TOOL_FAILED;
	err = changes_collect(&o, NULL, &c);
	changed = c.n != 0;
	if (err)
		tool_error(t->name, "%s: %s", t->store, strerror(-err));
	else
		answer = show(&o, &c, answer);
	changes_free(&c);
	opened_close(&o);
	if (err)
		return TOOL_FAILED;
	/* With nothing in it, a store that was asked for stays. */
	if (!changed && !t->made)
		return TOOL_OK;
	return carry_out(t, answer);
}

/* What there is to ask of the store's directory. */
static bool ask_store(const struct trial *t, bool (*is)(int fd))
{
	int fd = open(t->store, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool answer = fd >= 0 && is(fd);

	if (fd >= 0)
		close(fd);
	return answer;
}

/*
 * Inside of a view, the monitor that is already there ends ours when it comes
 * to it.
 */
static void wait_until_free(const struct trial *t)
{
	for (int i = 0; i < 500 && ask_store(t, stores_in_use); i++)
		usleep(10000);
}

/* Return: why it cannot be used, or NULL */
static const char *unfit(const struct trial *t, enum answer answer)
{
	if (ask_store(t, stores_in_use))
		return "the store is in use";
	if (ask_store(t, journal_exists))
		return "a commit of it was interrupted; let 'vu commit' go "
		       "on first";
	if (answer == ANSWER_DROP && ask_store(t, stores_is_one))
		return "has earlier changes, which -n would drop as well";
	return NULL;
}

static int try(struct trial *t, const char *store, enum answer answer)
{
	const char *why;
	int status, after;

	if (choose_store(t, store) < 0)
		return TRY_NO_VIEW;
	why = unfit(t, answer);
	if (why) {
		tool_error(t->name, "%s: %s", t->store, why);
		return TRY_NO_VIEW;
	}
	if (add_usual(t) < 0)
		return TRY_NO_VIEW;
	status = try_run(t);
	if (!ask_store(t, stores_is_one)) {
		if (t->made)
			rmdir(t->store);
		return status;
	}
	wait_until_free(t);
	/* It would have us do what nobody has been shown. */
	if (ask_store(t, journal_exists)) {
		tool_error(t->name, "%s: the command has written to the store "
			   "itself, which is not to be trusted", t->store);
		return status ? status : TOOL_FAILED;
	}
	after = conclude(t, answer);
	return status ? status : after;
}

static void free_trial(struct trial *t)
{
	for (unsigned i = 0; i < t->nexcept; i++)
		free(t->except[i]);
	free(t->except);
	free(t->store);
}

static int run(int argc, char **argv)
{
	enum { OPTION_NET = 0x100 };
	static const struct option options[] = {
		{ "store", required_argument, NULL, 'D' },
		{ "except", required_argument, NULL, 'x' },
		{ "net", required_argument, NULL, OPTION_NET },
		{ "yes", no_argument, NULL, 'y' },
		{ "no", no_argument, NULL, 'n' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct trial t = { .name = argv[0] };
	enum answer answer = ANSWER_ASK;
	const char *store = NULL;
	int option, status;

	if (argc > 1 && !strcmp(argv[1], TRY_ENTER))
		return try_enter(argv[0], argc - 2, argv + 2);
	while ((option = getopt_long(argc, argv, "+D:x:ynh", options,
				     NULL)) != -1) {
		switch (option) {
		case 'D': store = optarg; break;
		case 'x':
			if (add_except(&t, optarg) == 0)
				break;
			free_trial(&t);
			return TRY_NO_VIEW;
		case OPTION_NET:
			if (strcmp(optarg, "none"))
				return tool_misused(&tool_try, argv[0],
						    "--net: only none");
			t.no_net = true;
			break;
		case 'y': answer = ANSWER_COMMIT; break;
		case 'n': answer = ANSWER_DROP; break;
		default: return tool_option(&tool_try, argv[0], option);
		}
	}
	if (optind == argc)
		return tool_misused(&tool_try, argv[0],
				    "a command is needed");
	t.command = argv + optind;
	status = try(&t, store, answer);
	free_trial(&t);
	return status;
}

const struct tool tool_try = {
	.word = "try",
	.help = "run a command, see what it changes, keep it or drop it",
	.usage = "[OPTION]... [--] COMMAND [ARGUMENT]...\n"
		 "       afterwards its changes are shown, and what is to "
		 "become of them\n"
		 "       is asked; without a terminal the store is kept\n"
		 "\n"
		 "  -D, --store DIR    keep changes in DIR (default: a new "
		 "store, see vu stores)\n"
		 "  -x, --except PATH  what is below PATH is changed for "
		 "real; repeatable\n"
		 "      --net none     without a network\n"
		 "  -y, --yes          commit the changes, without asking\n"
		 "  -n, --no           drop them, without asking\n"
		 "  -h, --help         this text\n"
		 "      --version      version\n",
	.run = run,
};
