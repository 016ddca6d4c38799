// Package evidence keeps docs/evidence.md true: the list of all structures that OpenCDO reads and writes, each with what
// outside of this project shows that it is read and written right. It is all tests; to write the list anew:
//
//	go test ./internal/evidence -update
package evidence
