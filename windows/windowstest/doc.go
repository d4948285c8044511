// Package windowstest holds every windows.Store to the same behaviour, and counts a log the slow way to compare with.
//
// Run is the contract, Storm a random run of writers that crash and come back, Oracle the independent count, Server
// the gate of tests that want a real server.
package windowstest
