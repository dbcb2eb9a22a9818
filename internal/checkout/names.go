package checkout

import (
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// checkName refuses names of tree entries that git itself never writes: those that leave
// the folder, and every spelling that some file system treats as .git (git's rule, in
// verify_path and is_ntfs_dotgit).
func checkName(folder, name string) error {
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") || isDotGit(name) {
		return errs.Invalidf("the commit contains a file named %q in folder %q, which is unsafe to check out", name, "/"+folder).
			WithHint("nothing was written; remove the file from the repository")
	}
	return nil
}

// checkTarget refuses symbolic links that go through .git.
func checkTarget(file, target string) error {
	for _, part := range strings.FieldsFunc(target, isSeparator) {
		if isDotGit(part) {
			return errs.Invalidf("the commit contains a symbolic link %q to %q, which leads into .git", file, target).
				WithHint("remove the link from the repository")
		}
	}
	return nil
}

func isSeparator(r rune) bool { return r == '/' || r == '\\' }

func isDotGit(name string) bool {
	for _, part := range strings.FieldsFunc(name, isSeparator) {
		part, _, _ = strings.Cut(strings.Map(withoutIgnored, part), ":") // NTFS: a data stream of the folder
		part = strings.ToLower(strings.TrimRight(part, " ."))            // NTFS drops these
		if part == ".git" || part == "git~1" {
			return true
		}
	}
	return false
}

// withoutIgnored drops the characters that HFS+ ignores in names.
func withoutIgnored(r rune) rune {
	switch {
	case r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x206a && r <= 0x206f, r == 0xfeff:
		return -1
	}
	return r
}
