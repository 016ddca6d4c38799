//go:build unix

package localstore

import (
	"fmt"
	"os"
	"syscall"
)

// fileIdentity tells a file from its copies: device and inode.
func fileIdentity(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", fmt.Errorf("no inode number for %s", path)
	}
	return fmt.Sprintf("%x:%x", st.Dev, st.Ino), nil
}
