// Package worker is the program as a value: it turns a configuration into the
// two sides, the channel layer and the MQTT broker, and runs the actors between
// them.
package worker
