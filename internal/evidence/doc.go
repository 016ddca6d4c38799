// Package evidence keeps two pages true. docs/evidence.md lists all structures that OpenCDO reads and writes, each with what
// outside of this project shows that it is read and written right; to write it anew:
//
//	go test ./internal/evidence -update
//
// docs/architecture.md says which package may import which. The package is all tests.
package evidence
