// Package worker is the program as a value. From a configuration it makes the channel layer and the
// MQTT client, and runs the actors between them.
package worker
