"""The broker: find it, configure it, start it, give it accounts, stop it.

Mosquitto when the machine has it, else amqtt in a child process on loopback, or any broker by URL. Nothing
else in Cunda relies on the broker's memory: the outbox and the acknowledgement after commit do the work.
"""
