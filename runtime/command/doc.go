// Package command decodes what a Django site sends to the worker's
// channel: which command it is, with which options, and what is wrong with it
// if it is no command. It knows nothing of how the message came.
//
// A type is written with "." or "_", as Channels has it (mqtt.subscribe,
// mqtt_subscribe), and always begins with mqtt, whatever the channel is called.
// Unknown keys are errors, and so are values of a wrong type: 1 is not true,
// True is no number, and None is not the same as leaving a key out (save for
// the payload of a publish, where both are the empty payload).
package command
