//go:build !windows

package settings

func systemRegistry() keyStore { return nil }
