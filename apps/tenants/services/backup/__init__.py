"""Backup and restore of one school.

envelope   a file of chunks that shows every kind of damage, encrypted when there is a key
entries    what is inside: the head, each table, each file, the tail
tables     a school's tables as the catalogue knows them
snapshot   reading a school at one moment, as the school's own role
hooks      what the apps check, and do after a restore
shelf      where backups lie: a folder or S3-compatible storage
take       taking one;  verify  looking whether one is good;  retention  which to keep
loading    a schema filled from a backup;  restoring  a new school, or one in place
swapping   one school's tables for others, in one short transaction
"""
