package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The generated files are those that the description makes now, and no others lie beside them.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s isn't current: run go generate in the folder cdo", name)
		}
	}
	for _, pattern := range []string{"../*_gen.go", "../dispatch/*_gen.go"} {
		there, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range there {
			if files[name] == nil {
				t.Errorf("nothing makes %s any more", name)
			}
		}
	}
}

// The same description makes the same files.
func TestGenerateIsDeterministic(t *testing.T) {
	a, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	b, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs from one run to the next", name)
		}
	}
}
