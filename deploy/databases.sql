-- Databases of the compose file. The content keys are apart from what they seal; for a real desk put them on another server.
create role remit login;
create database remit owner remit;
create database remit_keys owner remit;
-- Then, once: \password remit
