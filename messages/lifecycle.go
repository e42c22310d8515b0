package messages

// ReceiverStarted says that an incarnation of the receiver is there and waits
// for OpenReader. Receiver tells reader.
type ReceiverStarted struct{ Host int }

// OpenReader asks to connect to Redis; Attempt is the number of failed attempts that came
// before (the back-off). Reader tells receiver.
type OpenReader struct{ Attempt int }

// LayerReached says that Redis answers, and waits for Take. Receiver tells reader.
type LayerReached struct{ Host int }

// Take asks to wait for commands and to take at most Limit of them. Reader tells receiver.
type Take struct{ Limit int }

// Took hands over what was taken. Late: an earlier incarnation was asked for it. Receiver
// tells reader.
type Took struct {
	Host     int
	Received []Received
	Late     bool
}

// Shutdown asks to finish what is under way and to stop. The worker tells
// bridge.
type Shutdown struct{}

// Abandon asks to stop as it is. The worker tells bridge.
type Abandon struct{}

// LayerState says that Redis was lost or is back. Reader tells bridge and
// registry.
type LayerState struct{ Up bool }

// SessionState says that the MQTT session was lost or is back. Broker tells
// bridge.
type SessionState struct{ Up bool }

// Quiesce asks to take nothing new and to say Quiet when what was under way
// is done. Bridge tells reader, requests (which have no need to answer) and
// broker, then router; broker tells session, router tells every group.
type Quiesce struct{}

// Quiet answers Quiesce. Reader, broker and router tell bridge; a group
// tells router; session tells broker that it passes on no more deliveries.
type Quiet struct{ From string }

// Undo asks to give back, undone, what is held back for another slot, now and from now on:
// it would be under way for as long as that slot likes. Broker tells router when it stops and
// its session passes on no more deliveries.
type Undo struct{}

func (Undo) toRouter()            {}
func (ReceiverStarted) toReader() {}
func (OpenReader) toReceiver()    {}
func (Take) toReceiver()          {}
func (LayerReached) toReader()    {}
func (Took) toReader()            {}
func (Shutdown) toBridge()        {}
func (Abandon) toBridge()         {}
func (LayerState) toRegistry()    {}
func (LayerState) toBridge()      {}
func (SessionState) toBridge()    {}
func (Quiesce) toRouter()         {}
func (Quiesce) toRequests()       {}
func (Quiesce) toReader()         {}
func (Quiesce) toBroker()         {}
func (Quiesce) toSession()        {}
func (Quiesce) toGroup()          {}
func (Quiet) toRouter()           {}
func (Quiet) toBridge()           {}
func (Quiet) toBroker()           {}
