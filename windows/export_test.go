package windows

// Sealed puts before what stands behind the version of a packed entity the version that it is.
func Sealed(rest []byte) []byte {
	v := versionOf(rest)
	return append(v[:], rest...)
}
