# The queue, the field, the account and the rights that Remit needs in RT; its token is written to /var/lib/remit-rt/token (mode 600).
our @Queues = ({ Name => 'Support', CorrespondAddress => 'support@desk.test', CommentAddress => 'internal@desk.test' });
our @CustomFields = ({ Name => 'Remit Case', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', Queue => 0 });
our @Users = ({ Name => 'gateway', EmailAddress => 'gateway@desk.test', Privileged => 1 });
our @ACL = map +{ UserId => 'gateway', Right => $_ },
  qw(SeeQueue ShowTicket ShowTicketComments CreateTicket CommentOnTicket ReplyToTicket ModifyTicket SeeCustomField ModifyCustomField);
our @Final = (sub {
  my $u = RT::CurrentUser->new; $u->Load('gateway');
  my ($ok, $msg, $auth) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $u->Id, Description => 'Remit');
  die $msg unless $ok; open my $f, '>', '/var/lib/remit-rt/token' or die $!; chmod 0600, $f; print $f $auth; close $f;
});
1;
