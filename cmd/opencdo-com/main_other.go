//go:build !windows

// Command opencdo-com is MAPI.Session for scripts and programs on Windows: a COM server of the object model.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "opencdo-com is for Windows, which alone has COM.")
	os.Exit(1)
}
