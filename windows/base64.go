package windows

// digits gives the value of each character of base64url, and 0xff for others.
var digits = func() (d [256]byte) {
	for i := range d {
		d[i] = 0xff
	}
	for i := range len(subAlphabet) {
		d[subAlphabet[i]] = byte(i)
	}
	return d
}()

// pack gives the 48 bits of eight characters of base64url, those of a Sub as a number; false if there is another one.
func pack(sub uint64) (bits uint64, ok bool) {
	var other byte
	for shift := 56; shift >= 0; shift -= 8 {
		d := digits[byte(sub>>shift)]
		other |= d
		bits = bits<<6 | uint64(d&63)
	}
	return bits, other < 64
}

// unpack gives the characters of 48 bits.
func unpack(bits uint64) (sub uint64) {
	for shift := 42; shift >= 0; shift -= 6 {
		sub = sub<<8 | uint64(subAlphabet[bits>>shift&63])
	}
	return sub
}
