# What a company has before Remit comes: a queue, and two officers, here with tokens of their own for the tests.
our @Queues = ({ Name => 'Support', CorrespondAddress => 'support@desk.test', CommentAddress => 'internal@desk.test' });
our @Users = map +{ Name => $_, EmailAddress => "$_\@desk.test", Privileged => 1, Password => "$_-pass-1" }, qw(ann ben);
our @ACL = map { my $user = $_; map +{ UserId => $user, Right => $_ },
  qw(SeeQueue ShowTicket ShowTicketComments CreateTicket CommentOnTicket ReplyToTicket ModifyTicket SeeCustomField ModifyCustomField
     OwnTicket TakeTicket ReassignTicket Watch) } qw(ann ben);
our @Final = (sub {
  for my $name (qw(ann ben)) {
    my $u = RT::CurrentUser->new; $u->Load($name);
    my ($ok, $msg, $auth) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $u->Id, Description => $name);
    die $msg unless $ok; open my $f, '>', "$ENV{RT_HOME}/token-$name" or die $!; print $f $auth; close $f;
  }
});
1;
