//go:build !profile

package main

// startProfile does nothing: only a binary of the benchmarks, built with the tag profile, takes CPU profiles.
func startProfile() (stop func()) { return func() {} }
