package flow

// outcomeName is the variable that holds what came of the last action or transfer.
const outcomeName = "outcome"
