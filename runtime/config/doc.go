// Package config turns flags, environment and a file into one Config.
//
// Each setting has one row in the table of settings.go, which names it, gives
// its default and reads its value. The environment name, the flag, the file
// key and the documentation all come from that row:
//
//	MQTT_HOST   --mqtt-host   mqtt_host
//
// Flags go before the environment, which goes before the credentials that
// systemd passes, which go before the file, which goes before the default. Load reports all faults at once, each with the name and
// the place where the value was given; no message ever shows a secret.
package config
