//go:build !windows

package restic

import "os"

// createTemp makes a temporary file that is gone when it is closed, or when the process ends however it may.
func createTemp(pattern string) (*os.File, error) {
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
