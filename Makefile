# SPDX-License-Identifier: GPL-2.0-or-later
#
# make			programs in build/bin, modules in build/lib/vu
# make deps		install what building and testing need (Debian, Ubuntu)
# make run		build, and start a shell in a view
# make check bench	the tests; the figures
# make fuzz		FUZZ_SECONDS=60 for each of the fuzz targets
# make install		PREFIX=/usr/local, DESTDIR=
# make SAN=1 ...	the same with sanitizers, in build-san

PREFIX		?= /usr/local
SYSCONFDIR	?= /etc
BINDIR		= $(PREFIX)/bin
LIBDIR		= $(PREFIX)/lib/vu
INCLUDEDIR	= $(PREFIX)/include/vu
MANDIR		= $(PREFIX)/share/man
DATADIR		= $(PREFIX)/share

ifeq ($(origin CC),default)
CC		:= gcc
endif
ARCH		:= $(shell uname -m)
BUILD		?= build$(if $(SAN),-san)
B		:= $(BUILD)
O		:= $(B)/obj

# What `make deps` installs. Without the second list a test says what it
# lacks and is skipped.
DEPS_BUILD	= gcc make libc6-dev linux-libc-dev libblkid-dev libfuse3-dev
DEPS_TEST	= python3 python3.11 libpython3.11-testsuite libseccomp-dev \
		  gcc-multilib strace gdb bubblewrap proot busybox-static \
		  musl-tools stress-ng git rsync vim-tiny tmux mandoc attr acl \
		  procps util-linux libcap2-bin iproute2 adduser debootstrap \
		  e2fsprogs fuse2fs fuse3 bindfs squashfuse squashfs-tools \
		  fuseiso genisoimage fuse-zip zip archivemount gocryptfs \
		  dosfstools mtools \
		  sshfs openssh-server openssh-client encfs ntfs-3g exfat-fuse \
		  exfatprogs unionfs-fuse unzip rclone xfsprogs

CFLAGS_ALL	= -std=gnu17 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -I. \
		  -fPIC -pthread -MMD -MP $(SAN_FLAGS) $(CPPFLAGS) $(CFLAGS)
LDFLAGS_ALL	= -pthread $(SAN_FLAGS) $(LDFLAGS)
comma		:= ,
SAN_FLAGS	:= $(if $(SAN),-fsanitize=address$(comma)undefined \
			-fno-omit-frame-pointer \
			-fno-sanitize-recover=undefined)
DEFINES		= -DSYSCONFDIR='"$(SYSCONFDIR)"' -DLIBDIR='"$(LIBDIR)"'

# Parts without a main, which the unit tests and fuzz targets use as well.
PARTS		:= $(wildcard engine/*.c arch/$(ARCH)/*.[cS] sys/*.c view/*.c \
			lib/*.c service/*.c) \
		   $(wildcard mod/load.c mod/default.c)
# What copy on write keeps: used by the module vufs, and by the tools.
STORE		:= $(wildcard store/*.c)
UMVU		:= $(wildcard monitor/*.c) $(PARTS)
TOOLS		:= $(wildcard tools/*.c) service/client.c service/place.c \
		   service/tags.c service/wire.c $(wildcard lib/*.c store/*.c)
# A module is a file mod/NAME.c or a folder mod/NAME.
MODULE_FILES	:= $(filter-out mod/load.c mod/default.c,$(wildcard mod/*.c))
MODULE_DIRS	:= $(patsubst %/,%,$(sort $(dir $(wildcard mod/*/*.c))))
MODULES		:= $(sort $(notdir $(MODULE_FILES:.c=) $(MODULE_DIRS)))
# The tools' other names, from their tables.
TOOL_NAMES	:= $(sort $(shell sed -n \
	's/^[[:space:]]*\.\(program\|alias\) = "\(.*\)",.*/\2/p' tools/*.c \
	2>/dev/null))
UMVU_NAMES	:= umview kmview

object		= $(addsuffix .o,$(addprefix $(O)/,$(basename $(1))))
BINARIES	:= $(B)/bin/umvu $(addprefix $(B)/bin/,$(UMVU_NAMES)) \
		   $(if $(wildcard tools/*.c),$(B)/bin/vu \
			$(addprefix $(B)/bin/,$(TOOL_NAMES)))
SHARED		:= $(patsubst %,$(B)/lib/vu/%.so,$(MODULES))

# Our own FUSE program, if libfuse's headers are there. Its parts, which know
# nothing of FUSE, are always compiled: the tests use them.
FUSE3		:= $(shell pkg-config --cflags --libs fuse3 2>/dev/null || \
	{ [ ! -e /usr/include/fuse3/fuse_lowlevel.h ] || \
	echo -I/usr/include/fuse3 -lfuse3; })
FAT_FUSE	:= servers/fat/main.c servers/fat/serve.c
FAT		:= $(filter-out $(FAT_FUSE),$(wildcard servers/fat/*.c))
SERVER_NAMES	:= $(if $(FUSE3),vufat)

# The sample is a module like any other, but kept where it is explained.
SHARED		+= $(B)/lib/vu/unreal.so

all: $(BINARIES) $(SHARED) $(addprefix $(B)/bin/,$(SERVER_NAMES)) \
	$(call object,$(FAT))
ifeq ($(FUSE3),)
	@echo "vufat is not built: there is no libfuse 3 (libfuse3-dev)" >&2
endif

# Any user may run what is built, whatever our umask is.
place		= @install -d -m 755 $(B) $(B)/bin $(B)/lib $(B)/lib/vu

$(B)/bin/umvu: $(call object,$(UMVU))
	$(place)
	$(CC) -rdynamic -o $@ $^ $(LDFLAGS_ALL) -ldl
	@chmod 755 $@

$(B)/bin/vu: $(call object,$(TOOLS)) | $(B)/share/vu/fuse.types
	$(place)
	$(CC) -o $@ $^ $(LDFLAGS_ALL) -lblkid
	@chmod 755 $@

$(B)/bin/vufat: $(call object,$(FAT) $(FAT_FUSE))
	$(place)
	$(CC) -o $@ $^ $(LDFLAGS_ALL) $(filter-out -I%,$(FUSE3))
	@chmod 755 $@

$(call object,$(FAT_FUSE)): CFLAGS_ALL += $(filter -I%,$(FUSE3))

# Beside the programs as it will be when they are installed.
$(B)/share/vu/fuse.types: share/fuse.types
	@install -d -m 755 $(@D)
	@install -m 644 $< $@

$(addprefix $(B)/bin/,$(TOOL_NAMES)): $(B)/bin/vu
	@ln -sfn vu $@

$(addprefix $(B)/bin/,$(UMVU_NAMES)): $(B)/bin/umvu
	@ln -sfn umvu $@

$(B)/lib/vu/unreal.so: $(O)/doc/unreal/unreal.o
	$(place)
	$(CC) -shared -Wl,-Bsymbolic -o $@ $^ $(LDFLAGS_ALL)
	@chmod 755 $@

$(O)/doc/unreal/unreal.o: CFLAGS_ALL += -Iinclude

.SECONDEXPANSION:
$(B)/lib/vu/vufs.so: $(call object,$(STORE) lib/escape.c lib/strbuf.c)
$(B)/lib/vu/%.so: $$(call object,$$(filter mod/$$*.c,$$(MODULE_FILES)) \
		$$(wildcard mod/$$*/*.c))
	$(place)
	$(CC) -shared -Wl,-Bsymbolic -o $@ $^ $(LDFLAGS_ALL)
	@chmod 755 $@

$(O)/%.o: %.S Makefile
	@mkdir -p $(@D)
	$(CC) -I. -MMD -MP -c -o $@ $<

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(DEFINES) -c -o $@ $<

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# --- dependencies ------------------------------------------------------------

INSTALL		= env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
			--no-install-recommends

deps:
	@lacking() { for p; do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | \
			grep -q 'ok installed' || echo $$p; \
	done; }; \
	build=$$(lacking $(DEPS_BUILD)); tests=$$(lacking $(DEPS_TEST)); \
	[ -n "$$build$$tests" ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then sudo=; \
	elif command -v sudo >/dev/null; then sudo=sudo; \
	else \
		echo "make deps: installing takes root or sudo:" \
			$$build $$tests >&2; \
		[ -z "$$build" ]; exit; \
	fi; \
	echo "installing:" $$build $$tests; \
	$$sudo apt-get update -q; \
	[ -z "$$build" ] || $$sudo $(INSTALL) $$build || exit 1; \
	[ -z "$$tests" ] || $$sudo $(INSTALL) $$tests || \
	for p in $$tests; do $$sudo $(INSTALL) $$p || \
		echo "make deps: $$p: not to be had, its tests will skip" >&2; \
	done

# --- run, test, measure -------------------------------------------------------

run: deps
	@$(MAKE) --no-print-directory all
	@echo
	@echo "A shell in a view. Try this; nothing of it is seen outside:"
	@echo
	@echo "	vumount -t vufs /usr/share/doc /mnt    and ls /mnt"
	@echo "	vumount -t vufs -o hide none /etc      and ls /etc"
	@echo "	vu mount IMAGE                         ext4, iso, squashfs, zip..."
	@echo "	vusu -c id                             be root, or be told so"
	@echo "	vu ls                                  what the view is"
	@echo "	umvu                                   a view in the view"
	@echo "	exit                                   and all is as it was"
	@echo
	@echo "And outside: vu try -- COMMAND             look at what it does, keep it or not"
	@echo
	@PATH="$(CURDIR)/$(B)/bin:$$PATH" $(B)/bin/umvu -m vufs || true

check: deps
	@$(MAKE) --no-print-directory -j$(shell nproc) all
	test/run

bench: all
	bench/run

check bench: export BUILD := $(BUILD)

# By libFuzzer where clang is, else fuzz/standalone.c mutates the seeds. What
# is found goes to build/fuzz; the seeds stay what they are.
FUZZ		:= $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
FUZZ_SECONDS	?= 60
FUZZ_PARTS	:= $(PARTS) $(STORE) \
		   $(filter-out %/vufs.c,$(wildcard mod/vufs/*.c)) \
		   $(filter-out %/vufuse.c,$(wildcard mod/vufuse/*.c)) \
		   monitor/requests.c monitor/records.c monitor/trace.c $(FAT)
FUZZ_CFLAGS	= -std=gnu17 -O1 -g -D_GNU_SOURCE -I. -pthread $(DEFINES)
FUZZ_SAN	:= address$(comma)undefined -fno-sanitize-recover=undefined
HAVE_CLANG	:= $(shell command -v clang 2>/dev/null)
ifneq ($(HAVE_CLANG),)
FUZZ_CC		:= clang -fsanitize=fuzzer-no-link$(comma)$(FUZZ_SAN)
FUZZ_LD		:= clang -fsanitize=fuzzer$(comma)$(FUZZ_SAN)
FUZZ_RUN	= -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
		  -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus/$$t
else
FUZZ_CC		:= $(CC) -fsanitize=$(FUZZ_SAN)
FUZZ_LD		:= $(FUZZ_CC)
FUZZ_PARTS	+= fuzz/standalone.c
FUZZ_RUN	= -s $(FUZZ_SECONDS)
endif

fuzz: all $(addprefix $(B)/fuzz/,$(FUZZ))
	@for t in $(FUZZ); do \
		echo "fuzzing: $$t"; mkdir -p $(B)/fuzz/corpus/$$t; \
		$(B)/fuzz/$$t $(FUZZ_RUN) fuzz/corpus/$$t || exit 1; \
	done

$(B)/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/fuzz/obj/%.o: %.S Makefile
	@mkdir -p $(@D)
	$(CC) -I. -MMD -MP -c -o $@ $<

$(B)/fuzz/%: $(B)/fuzz/obj/fuzz/fuzz_%.o $(addsuffix .o,$(addprefix $(B)/fuzz/obj/,$(basename $(FUZZ_PARTS))))
	$(FUZZ_LD) -pthread -rdynamic -o $@ $^ -ldl

-include $(shell find $(B)/fuzz -name '*.d' 2>/dev/null)

# --- install --------------------------------------------------------------------

MAN		= $(wildcard doc/man/*.[1-9])

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) \
		$(DESTDIR)$(INCLUDEDIR)
	install -m 755 $(B)/bin/umvu $(DESTDIR)$(BINDIR)
	for n in $(UMVU_NAMES); do ln -sfn umvu $(DESTDIR)$(BINDIR)/$$n; done
	if [ -e $(B)/bin/vu ]; then \
		install -m 755 $(B)/bin/vu $(DESTDIR)$(BINDIR); \
		for n in $(TOOL_NAMES); do \
			ln -sfn vu $(DESTDIR)$(BINDIR)/$$n; done; \
	fi
	for n in $(SERVER_NAMES); do \
		install -m 755 $(B)/bin/$$n $(DESTDIR)$(BINDIR); done
	for m in $(SHARED); do install -m 755 $$m $(DESTDIR)$(LIBDIR); done
	install -D -m 644 share/fuse.types $(DESTDIR)$(DATADIR)/vu/fuse.types
	install -m 644 include/vu/*.h $(DESTDIR)$(INCLUDEDIR)
	for m in $(MAN); do \
		install -D -m 644 $$m \
		  $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done
	for c in $(wildcard completion/*.bash); do \
		install -D -m 644 $$c \
		  $(DESTDIR)$(DATADIR)/bash-completion/completions/$$(basename \
		  $$c .bash); done
	for n in umvu vufat $(UMVU_NAMES) $(TOOL_NAMES); do ln -sfn vu \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/$$n; done
	for c in $(wildcard completion/_*); do \
		install -D -m 644 $$c \
		  $(DESTDIR)$(DATADIR)/zsh/site-functions/$${c##*/}; done

uninstall:
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,umvu vu vufat \
		$(UMVU_NAMES) $(TOOL_NAMES))
	rm -rf $(DESTDIR)$(LIBDIR) $(DESTDIR)$(INCLUDEDIR) \
		$(DESTDIR)$(DATADIR)/vu
	for m in $(MAN); do \
		rm -f $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done
	rm -f $(addprefix \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/,vu umvu \
		vufat $(UMVU_NAMES) $(TOOL_NAMES))
	for c in $(wildcard completion/_*); do \
		rm -f $(DESTDIR)$(DATADIR)/zsh/site-functions/$${c##*/}; done

clean:
	rm -rf build build-san

.PHONY: all deps run check bench fuzz install uninstall clean
.SECONDARY:
