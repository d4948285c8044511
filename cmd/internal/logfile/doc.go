// Package logfile reads shipment events from files: JSON Lines or CSV, plain or compressed with gzip or zstd.
//
// How a file is compressed is read from its first bytes, so a wrong suffix does no harm. CSV is known by its name, .csv
// with or without .gz or .zst; its rows come out as the JSON objects that a JSON Lines file would hold, so whoever
// reads has one format to decode.
package logfile
