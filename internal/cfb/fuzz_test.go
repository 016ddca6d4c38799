package cfb_test

import "testing"

// FuzzOpen needs -fuzzminimizetime=10x or so: files are large inputs, and minimising them takes all the time.
func FuzzOpen(f *testing.F) {
	for _, content := range smallFiles(f) {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) { look(t, content) })
}
